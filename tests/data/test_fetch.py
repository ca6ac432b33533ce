"""Downloads: resumed where they broke, checked, made once, and reported."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from downloads import CONTENT, PAYLOAD, archive_source, get, label_source, visible
from loopback import archive, md5

from lnlbench.data.sources import Source
from lnlbench.errors import DataError
from lnlbench.system.progress import shown_downloads


def test_an_archive_and_a_file_are_put_in_place(server, tmp_path):
    folder = tmp_path / "new" / "data"
    sources = archive_source(server, archive(CONTENT.items())), label_source(server)
    new = get(folder, *sources)
    assert visible(folder) == ["folder/a", "folder/b", "labels.pt"]
    assert sorted(new) == sorted(folder / name for name in visible(folder))
    assert (folder / "folder/b").read_bytes() == CONTENT["folder/b"]
    assert (folder / "labels.pt").read_bytes() == PAYLOAD


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    source = label_source(server)
    get(tmp_path, source)
    assert get(tmp_path, source) == []
    assert len(server.requests) == 1


def test_a_cut_connection_is_resumed_where_it_broke(server, tmp_path):
    server.cuts = [100_000, 50_000]
    get(tmp_path, label_source(server))
    assert (tmp_path / "labels.pt").read_bytes() == PAYLOAD
    assert [ranges for _path, ranges in server.requests] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]


def test_a_later_call_resumes_the_part_file(server, tmp_path):
    source = label_source(server)
    server.cuts = [100_000, 0]
    with pytest.raises(DataError, match="download failed"):
        get(tmp_path, source)
    assert visible(tmp_path) == ["labels.pt.part"]
    get(tmp_path, source)
    assert server.requests[-1] == ("/labels.pt", "bytes=100000-")
    assert (tmp_path / "labels.pt").read_bytes() == PAYLOAD
    assert visible(tmp_path) == ["labels.pt"]


def test_a_server_that_ignores_ranges_sends_all_of_it(server, tmp_path):
    server.ranges = False
    server.cuts = [100_000]
    get(tmp_path, label_source(server))
    assert server.requests[-1] == ("/labels.pt", "bytes=100000-")
    assert (tmp_path / "labels.pt").read_bytes() == PAYLOAD


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(server, tmp_path):
    server.ranges = False
    server.cuts = [100_000] * 50
    with pytest.raises(DataError, match="download failed"):
        get(tmp_path, label_source(server))
    assert len(server.requests) == 2


def test_what_a_kill_after_the_last_step_left_is_removed(server, tmp_path):
    content = archive(CONTENT.items())
    sources = archive_source(server, content), label_source(server)
    get(tmp_path, *sources)
    (tmp_path / "data.tar.gz.part").write_bytes(content)
    (tmp_path / ".extract-killed").mkdir()
    (tmp_path / ".extract-killed/a").write_bytes(b"")
    requests = len(server.requests)
    assert get(tmp_path, *sources) == []
    assert len(server.requests) == requests
    assert visible(tmp_path) == ["folder/a", "folder/b", "labels.pt"]


@pytest.mark.parametrize("stale", [b"x" * 1000, PAYLOAD + b"more", b"y" * len(PAYLOAD)])
def test_a_stale_part_file_is_thrown_away(server, tmp_path, stale):
    (tmp_path / "labels.pt.part").write_bytes(stale)
    get(tmp_path, label_source(server))
    assert (tmp_path / "labels.pt").read_bytes() == PAYLOAD


def test_a_complete_part_file_is_used(server, tmp_path):
    (tmp_path / "labels.pt.part").write_bytes(PAYLOAD)
    get(tmp_path, label_source(server))
    assert len(server.requests) == 1
    assert (tmp_path / "labels.pt").read_bytes() == PAYLOAD


def test_a_wrong_checksum_is_refused_and_nothing_is_left(server, tmp_path):
    source = label_source(server, b"<html>please log in</html>")
    with pytest.raises(DataError, match=r"is not the published file.*expected sha256:") as caught:
        get(tmp_path, source)
    assert str(tmp_path / "labels.pt") in str(caught.value)
    assert visible(tmp_path) == []


def test_two_at_once_download_once(server, tmp_path):
    sources = archive_source(server, archive(CONTENT.items())), label_source(server)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _i: get(tmp_path, *sources), range(4)))
    assert sorted(path for path, _range in server.requests) == ["/data.tar.gz", "/labels.pt"]
    assert visible(tmp_path) == ["folder/a", "folder/b", "labels.pt"]


def test_without_a_network_one_message_names_every_missing_file(server, tmp_path):
    sources = archive_source(server, archive(CONTENT.items())), label_source(server)
    server.files.clear()  # every request is answered with 404
    with pytest.raises(DataError) as caught:
        get(tmp_path, *sources)
    message = str(caught.value)
    for name in ("folder/a", "folder/b", "labels.pt"):
        assert f"missing: {tmp_path / name}\n" in message
    assert all(source.url in message for source in sources)
    assert "--track digits" in message
    assert "404" in message


def test_an_unreachable_server_is_the_same_error(tmp_path):
    source = Source("http://127.0.0.1:1/labels.pt", md5(b""), ("labels.pt",))
    with pytest.raises(DataError, match="download failed") as caught:
        get(tmp_path, source)
    assert str(tmp_path / "labels.pt") in str(caught.value)


def test_a_folder_that_cannot_be_made_is_an_error(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        get(tmp_path / "file" / "data", label_source(server))


def test_progress_tells_how_much_is_there(server, tmp_path):
    seen = []
    server.cuts = [100_000]
    get(tmp_path, label_source(server), progress=lambda *event: seen.append(event))
    assert seen[-1] == ("labels.pt", len(PAYLOAD), len(PAYLOAD))
    assert [done for _name, done, _total in seen] == sorted(done for _name, done, _total in seen)


def test_plain_progress_is_a_line_for_each_tenth(capsys):
    with shown_downloads() as progress:
        for done in range(0, 1001):
            progress("labels.pt", done * 1000, 1_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "labels.pt: 0.0 of 1.0 MB"
    assert lines[5] == "labels.pt: 0.5 of 1.0 MB, 0 s left"
    assert lines[-1] == "labels.pt: 1.0 of 1.0 MB"


def test_a_download_of_unknown_size_has_a_line_for_every_ten_mebibytes(capsys):
    with shown_downloads() as progress:
        for done in range(0, 25 * 2**20, 2**20):
            progress("images.tar", done, None)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["images.tar: 0.0 MB", "images.tar: 10.5 MB", "images.tar: 21.0 MB"]
