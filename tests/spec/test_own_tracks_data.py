"""Own tracks on own data: where the data lie, that they are pinned, and tracks of plugins."""

import json
import re

import pytest
from cli import call, stored
from own_tracks import SHORT, run
from plugin_zoo import SHADES, install, on_the_path

import lnlbench
from lnlbench.cli.options import names

ON_SHADES = SHORT.replace('"digits"', '"shades"').replace("symmetric:0.20", "given")
ON_SHADES = re.sub("limit.*\n", "", ON_SHADES).replace('"tiny"', '"grays"')


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions with the data set `shades`, and a place for its data."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench-shades", SHADES)
        (tmp_path / "tracks" / "data").mkdir(parents=True)
        (tmp_path / "tracks" / "data" / "offset.txt").write_text("0")
        yield folder


def test_the_file_finds_its_data_beside_itself_and_pins_them(site, track, tmp_path):
    file = track(ON_SHADES + "[data]\nsettings = {root = 'data'}\n")
    done = run(tmp_path, "--track", file)
    assert done.code == 0, done.err
    result = stored(tmp_path)
    assert result["off_track"] is None and result["data"]["noise"] == "given"
    pinned = result["spec"]["own_track"]["protocol"]["data"]
    assert pinned == result["spec"]["protocol"]["data"]
    assert str(tmp_path) not in json.dumps(result["spec"])
    expecting = f"[data]\nsettings = {{root = 'data'}}\nsha256 = '{pinned['sha256']}'\n"
    same = run(tmp_path, "--track", track(ON_SHADES + expecting))
    assert same.code == 0 and "already" in (same.out + same.err)
    (tmp_path / "tracks" / "data" / "offset.txt").write_text("1")
    refused = run(tmp_path, "--track", track(ON_SHADES + expecting), "--seed", "1")
    assert refused.code == 2 and "are not those of track 'grays'" in refused.err


def test_only_the_place_of_a_tracks_data_may_be_given_elsewhere(site, track, tmp_path):
    file = track(ON_SHADES)
    place = ("--set-data", f"root={tmp_path / 'tracks' / 'data'}")
    refused = run(tmp_path, "--track", file, *place, "--set-data", "size=16")
    assert refused.code == 2 and "other data are another track" in refused.err
    done = run(tmp_path, "--track", file, *place)
    assert done.code == 0, done.err
    assert stored(tmp_path)["off_track"] is None
    missing = run(tmp_path / "other", "--track", file)
    assert missing.code == 2 and "root" in missing.err
    swept = call(
        *("sweep", "--track", file, "--method", "ce", "--seeds", "2", *place),
        *("--output", tmp_path, "--jobs", "1"),
        PYTHONPATH=str(site),
    )
    assert swept.code == 0, swept.err
    assert len(list((tmp_path / "leaderboards" / "results" / "grays").rglob("*.json"))) == 2


def test_hook_register_tracks_in_use(site, track, tmp_path):
    file = track(ON_SHADES)
    source = (
        "import lnlbench\n\n@lnlbench.hookimpl\ndef register_tracks():\n"
        f"    return [lnlbench.read_track({str(file)!r})]\n"
    )
    install(site, "lnlbench-gray-tracks", source)
    listed = json.loads(call("tracks", "--json").out)["tracks"]
    assert "grays" in [each["name"] for each in listed]
    assert "grays" in lnlbench.tracks().index
    assert names.tracks("digits,gr") == ["digits,grays"]  # what shell completion offers
    place = ("--set-data", f"root={tmp_path / 'tracks' / 'data'}")
    done = run(tmp_path, "--track", "grays", *place)
    assert done.code == 0, done.err
    assert stored(tmp_path)["track"] == "grays"
    refused = run(tmp_path, "--track", "greys")
    assert refused.code == 2 and "Did you mean 'grays'?" in refused.err
