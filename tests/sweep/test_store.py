"""A sweep's store: its objects and lease, on files and on an S3 server in this process."""

import importlib
import sys
import threading

import pytest
from stores import Broken, make_store

from lnlbench.errors import RunError, UsageError
from lnlbench.sweep.store import lease as lease_module
from lnlbench.sweep.store.lease import LEASE_NAME, Lease
from lnlbench.sweep.store.object_store import ObjectStore, StoreError


@pytest.fixture(params=["file", "s3"])
def store(request, tmp_path, monkeypatch):
    yield from make_store(request.param, tmp_path, monkeypatch)


def test_objects_are_written_read_listed_and_removed(store):
    assert store.names("a") == []
    assert store.read("a/b") is None
    store.write("a/b", b"1")
    store.write("a/b", b"22")
    store.write("a/c/d", b"3")
    store.write("ab", b"4")
    assert store.read("a/b") == b"22"
    assert sorted(store.names("a")) == ["a/b", "a/c/d"]
    assert dict(store.read_all(["a/b", "a/gone", "ab"])) == {"a/b": b"22", "ab": b"4"}
    store.remove(["a/b", "a/c/d"])
    store.remove(["a/b"])
    store.remove([])
    assert store.names("a") == []
    assert store.read("ab") == b"4"


def test_of_those_that_create_an_object_one_does(store):
    start = threading.Barrier(4)
    done = []

    def create(number):
        mine = ObjectStore(store.url)
        start.wait()
        done.append((mine.create("x", b"%d" % number), number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [winner] = [number for created, number in done if created]
    assert store.read("x") == b"%d" % winner


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bucket/prefix", "is not the URL of a store"),
        ("s3:/bucket/prefix", "is not the URL of a store"),
        ("simplecache::s3://bucket", "is not the URL of a store"),
        ("s4://bucket", "Unknown protocol 's4'. Did you mean 's3'"),
        ("memory://x", "only as long as its process"),
        ("file://", "names no bucket and no folder"),
    ],
)
def test_a_url_of_no_store_is_refused(url, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        ObjectStore(url)


@pytest.mark.parametrize(
    "url", ["s3://key:SECRET@bucket/x", "sftp://me:SEC/RET@host/x", "abfs://c/x?sig=SECRET"]
)
def test_a_secret_in_a_url_is_refused_and_not_said_back(url):
    with pytest.raises(UsageError, match="Give credentials in the environment") as refused:
        ObjectStore(url)
    assert "SEC" not in str(refused.value)


@pytest.mark.parametrize(
    ("protocol", "package", "command"),
    [
        ("s3", "s3fs", r"pip install 'lnlbench\[store\]'"),
        ("absent", "no_such_package", r"pip install 'fsspec\[absent\]'"),
    ],
)
def test_a_missing_package_is_named_with_the_command(monkeypatch, protocol, package, command):
    registry = importlib.import_module("fsspec.registry")
    known = {"class": f"{package}.FileSystem", "err": f"Install {package}"}
    monkeypatch.setitem(registry.known_implementations, protocol, known)
    monkeypatch.delitem(registry._registry, protocol, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=f"Install {package}.*{command}"):
        ObjectStore(f"{protocol}://bucket/x")


def test_a_store_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("no folder")
    store = ObjectStore(f"file://{tmp_path}/file/below")
    with pytest.raises(StoreError, match=r"Cannot write file://.*/below/x: .*Check the URL"):
        store.write("x", b"")


def test_a_bucket_that_is_not_there_is_not_made(tmp_path, monkeypatch):
    for store in make_store("s3", tmp_path, monkeypatch):
        missing = ObjectStore("s3://missing/x")
        assert missing.read("y") is None
        for _ in range(2):
            with pytest.raises(StoreError, match="bucket does not exist"):
                missing.write("y", b"")
        assert store.url == "s3://bucket/prefix"


def test_one_sweep_at_a_time_holds_a_store(store):
    first, second, third = Lease(store), Lease(store), Lease(store)
    with first.held(None, pytest.fail):
        with pytest.raises(UsageError) as refused:
            second.acquire()
        for part in ("Another sweep writes to", "process", " UTC, last seen ", "--take-over "):
            assert part in str(refused.value)
        first.verify()
        with pytest.raises(UsageError, match="Another sweep"):
            second.acquire(take_over="no-such-token")
    with second.held(None, pytest.fail):
        token = second._holder.token
        with third.held(token, pytest.fail):
            with pytest.raises(RunError, match=r"was taken over by .* on .*, process"):
                second.verify()
            second.release()
            third.verify()
    assert store.read(LEASE_NAME) is None
    with pytest.raises(RunError, match="was removed"):
        third.verify()


def test_a_lease_is_renewed_and_survives_a_store_that_is_away(store, monkeypatch):
    broken = Broken(store.url)
    lease = Lease(broken)
    said = []
    with lease.held(None, pytest.fail):
        before = store.read(LEASE_NAME)
        lease.renew(pytest.fail)
        assert store.read(LEASE_NAME) == before
        monkeypatch.setattr(lease_module, "RENEW_SECONDS", 0.0)
        lease.renew(pytest.fail)
        assert store.read(LEASE_NAME) != before
        broken.fails = lambda name: True
        lease.renew(said.append)
        broken.fails = lambda name: False
        lease.verify()
    assert "The sweep continues" in said[0]


def test_a_lease_that_cannot_be_given_back_says_how_to_go_on(store):
    broken = Broken(store.url)
    lease, said = Lease(broken), []
    with lease.held(None, said.append):
        broken.fails = lambda name: True
    assert f"--take-over {lease._holder.token}" in said[0]


def test_a_lease_that_cannot_be_understood_is_named(store):
    store.write(LEASE_NAME, b"{")
    with pytest.raises(UsageError, match=r"sweep\.lock cannot be understood.*remove this object"):
        Lease(store).acquire()
