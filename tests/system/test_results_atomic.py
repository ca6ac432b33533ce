import errno
import os

import pytest

from lnlbench.errors import RunError, UsageError
from lnlbench.system.atomic import write_atomically


def failing_with(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


def test_it_makes_folders_and_replaces_the_bytes(tmp_path):
    path = tmp_path / "a" / "b" / "file.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_file_has_the_permissions_of_an_ordinary_one(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    write_atomically(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == ordinary.stat().st_mode


@pytest.mark.parametrize(
    ("number", "kind", "advice"),
    [
        (errno.ENOSPC, RunError, "Free some space"),
        (errno.EIO, RunError, "Check the disk"),
        (errno.EACCES, UsageError, "Make the folder writable"),
        (errno.EROFS, UsageError, "--output"),
    ],
)
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path, monkeypatch, number, kind, advice
):
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing_with(number))
    with pytest.raises(kind, match=advice) as caught:
        write_atomically(path, b"new")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be_is_a_usage_error(tmp_path):
    (tmp_path / "results").write_bytes(b"")
    with pytest.raises(UsageError, match="--output"):
        write_atomically(tmp_path / "results" / "digits" / "file.json", b"")


def test_a_folder_where_the_file_should_be_is_a_usage_error(tmp_path):
    (tmp_path / "file.json").mkdir()
    with pytest.raises(UsageError, match=r"file\.json"):
        write_atomically(tmp_path / "file.json", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.parametrize(
    ("place", "found"), [("folder", "it is a folder"), ("file/new", "a file lies where its folder")]
)
def test_what_lies_in_the_way_is_named(tmp_path, place, found):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UsageError, match=f"{found}.*Move it away") as refused:
        write_atomically(tmp_path / place, b"new")
    assert str(tmp_path / place) in str(refused.value)
    assert (tmp_path / "file").read_text() == "kept"
