"""Archives that are downloaded: what is extracted, what is refused, and what is left."""

import gzip
import os
import tarfile

import pytest
from downloads import CONTENT, archive_source, get, visible
from loopback import archive

from lnlbench.data.archive import extract
from lnlbench.errors import DataError


def test_a_downloaded_archive_is_never_taken_for_the_users_own(server, tmp_path, monkeypatch):
    source = archive_source(server, archive(CONTENT.items()))

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("lnlbench.data.fetch.extract", killed)
        with pytest.raises(KeyboardInterrupt):
            get(tmp_path, source)
    get(tmp_path, source)
    assert visible(tmp_path) == ["folder/a", "folder/b"]


def test_a_wrong_archive_is_refused_before_it_is_opened(server, tmp_path, monkeypatch):
    source = archive_source(server, archive(CONTENT.items()))
    server.files["/data.tar.gz"] = archive([("folder/a", b"other")])
    opened = []
    monkeypatch.setattr(tarfile, "open", lambda *_args, **_kwargs: opened.append(1))
    with pytest.raises(DataError, match="is not the published file"):
        get(tmp_path, source)
    assert (opened, visible(tmp_path)) == ([], [])


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


HOSTILE = {
    "parent": ("../outside", b"x"),
    "deep parent": ("folder/../../outside", b"x"),
    "absolute": ("/tmp/lnlbench-outside", b"x"),
    "symlink": (link("folder/c", "/etc/passwd", tarfile.SYMTYPE), b""),
    "hard link": (link("folder/c", "../outside", tarfile.LNKTYPE), b""),
    "device": (link("folder/c", "", tarfile.CHRTYPE), b""),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_whole(server, tmp_path, case):
    folder = tmp_path / "data"
    source = archive_source(server, archive([*CONTENT.items(), HOSTILE[case]]))
    with pytest.raises(DataError, match="was refused"):
        get(folder, source)
    assert visible(folder) == ["data.tar.gz.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def declared(size, kind=tarfile.REGTYPE):
    """The header of a member of this size, without its content: the archive is small."""
    info = tarfile.TarInfo("folder/large")
    info.size, info.type = size, kind
    return gzip.compress(info.tobuf() + bytes(2**20))


MANY = archive((f"folder/{number}", b"") for number in range(10_001))
TOO_LARGE = {
    "a large member": (declared(2**40), "bytes when it is unpacked"),
    "a large header": (declared(2**31, tarfile.XHDTYPE), "bytes when it is unpacked"),
    "a long name": (declared(2**31, tarfile.GNUTYPE_LONGNAME), "bytes when it is unpacked"),
    "many members": (MANY, "10,000 members"),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_an_archive_that_unpacks_to_too_much_is_refused_at_once(tmp_path, case):
    content, reason = TOO_LARGE[case]
    file = tmp_path / "data.tar.gz"
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"was refused: it declares more than.*{reason}"):
        extract(file, tuple(CONTENT), tmp_path)
    assert visible(tmp_path) == ["data.tar.gz"]


def test_only_expected_members_are_extracted(server, tmp_path):
    members = [*CONTENT.items(), ("folder/file.txt~", b"stray"), ("readme.html", b"stray")]
    get(tmp_path, archive_source(server, archive(members)))
    assert visible(tmp_path) == ["folder/a", "folder/b"]


def test_an_archive_that_lacks_a_file_leaves_none(server, tmp_path):
    source = archive_source(server, archive([("folder/a", b"only")]))
    with pytest.raises(DataError, match="lacks folder/b"):
        get(tmp_path, source)
    assert visible(tmp_path) == ["data.tar.gz.part"]


@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_truncated_archive_is_reported(server, tmp_path, keep):
    members = [("folder/a", os.urandom(50_000)), ("folder/b", os.urandom(50_000))]
    whole = archive(members)
    with pytest.raises(DataError, match="truncated or corrupted"):
        get(tmp_path, archive_source(server, whole[: int(len(whole) * keep)]))
    assert visible(tmp_path) == ["data.tar.gz.part"]


def test_an_incomplete_folder_is_completed(server, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(CONTENT["folder/a"])
    (tmp_path / "folder/notes").write_text("mine")
    get(tmp_path, archive_source(server, archive(CONTENT.items())))
    assert visible(tmp_path) == ["folder/a", "folder/b", "folder/notes"]


def test_an_archive_put_there_by_hand_is_used_and_kept(server, tmp_path):
    content = archive(CONTENT.items())
    source = archive_source(server, content)
    (tmp_path / "data.tar.gz").write_bytes(content)
    get(tmp_path, source)
    assert server.requests == []
    assert visible(tmp_path) == ["data.tar.gz", "folder/a", "folder/b"]
