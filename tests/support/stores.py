"""Stores under test: a folder, an S3 server, one that fails when told to, and a driver of one."""

import pytest
from factories import make_document

from lnlbench.results import Result, ResultStore
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.object_store import ObjectStore, StoreError
from lnlbench.sweep.store.results import StoreResults

# moto takes any.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def make_store(kind, folder, monkeypatch):
    """Yields an empty store of a kind: file or s3; the latter is skipped without its packages."""
    if kind == "file":
        yield ObjectStore(f"file://{folder}/store")
        return
    pytest.importorskip("s3fs", reason="needs s3fs: pip install 'lnlbench[store]'")
    server_module = pytest.importorskip(
        "moto.server", reason="needs an S3 server: pip install 'moto[server]'"
    )
    import boto3

    for name, value in _CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket="bucket")
        import s3fs

        # It keeps connections by URL, and the server before this one is gone.
        s3fs.S3FileSystem.clear_instance_cache()
        yield ObjectStore("s3://bucket/prefix")
    finally:
        server.stop()


class Broken(ObjectStore):
    """A store that fails for the objects that `fails` says, before they are written or read."""

    fails = staticmethod(lambda name: False)

    def write(self, name, data):
        self._check(name)
        super().write(name, data)

    def read(self, name):
        self._check(name)
        return super().read(name)

    def remove(self, names):
        for name in names:
            self._check(name)
        super().remove(names)

    def names(self, folder):
        self._check(folder)
        return super().names(folder)

    def _check(self, name):
        if self.fails(name):
            raise StoreError(f"Cannot reach {self.url_of(name)}: it is away.")


class Site:
    """A driver: its output folder, its view of the store, and what it has said."""

    def __init__(self, folder, store):
        self.output, self.store, self.said = folder, Broken(store.url), []
        self.lease = Lease(self.store)
        self.results = StoreResults(self.store, self.lease, folder, self.said.append)
        self.local = ResultStore(folder / "leaderboards")

    def save(self, **changes):
        result = Result.model_validate(make_document(**changes))
        return result, self.local.save(result)

    def files(self):
        found = (self.output / "leaderboards" / "results").rglob("*.json")
        return {path.relative_to(self.output).as_posix(): path.read_bytes() for path in found}
