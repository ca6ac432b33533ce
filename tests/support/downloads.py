"""Downloads from a server of the test, into a folder of the test."""

import hashlib
import os

from loopback import md5

from lnlbench.data.fetch import fetch
from lnlbench.data.sources import Source

CONTENT = {"folder/a": b"first" * 1000, "folder/b": b"second" * 1000}
PAYLOAD = os.urandom(300_000)


def silent(*_arguments):
    pass


def label_source(server, content=PAYLOAD):
    server.files["/labels.pt"] = content
    return Source(
        f"{server.url}/labels.pt", f"sha256:{hashlib.sha256(PAYLOAD).hexdigest()}", ("labels.pt",)
    )


def archive_source(server, content):
    server.files["/data.tar.gz"] = content
    return Source(f"{server.url}/data.tar.gz", md5(content), tuple(CONTENT), archive=True)


def get(folder, *sources, progress=silent):
    return fetch("cifar100", folder, sources=sources, progress=progress)


def visible(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lnlbench-fetch.lock"
    )
