"""Tracks of one's own from files: run, ranked, shown, and refused in words."""

import json
import re
from pathlib import Path

import pytest
from cli import call, stored
from own_tracks import SHORT, run

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.plugins import load_plugins
from lnlbench.plugins.tracks import find_track
from lnlbench.spec.run_spec import build_spec, deviations, parse_spec
from lnlbench.tracks import load_track, read_track, track_names, track_text

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "own-tracks.md"


def test_a_run_on_a_file_has_a_ranked_table_that_needs_no_file(track, tmp_path):
    file = track()
    done = run(tmp_path, "--track", file, "--seeds", "2")
    assert done.code == 0, done.err
    results = [json.loads(each.read_text()) for each in (tmp_path / "leaderboards").rglob("*.json")]
    assert len(results) == 2
    assert {result["track"] for result in results} == {"tiny"}
    assert all(result["off_track"] is None for result in results)
    assert results[0]["protocol"]["title"] == "Few digits"
    assert results[0]["spec"]["own_track"]["protocol"]["noise"] == "symmetric:0.2"
    file.unlink()
    shown = call("leaderboard", "--output", tmp_path)
    assert shown.code == 0, shown.err
    page = (tmp_path / "leaderboards" / "tiny.md").read_text(encoding="utf-8")
    assert "Few digits" in page and "lnlbench run --spec leaderboards/results/tiny/ce/" in page
    assert call("leaderboard", "--check", "--output", tmp_path).code == 0
    one = next((tmp_path / "leaderboards" / "results" / "tiny").rglob("*.json"))
    again = call("run", "--spec", one, "--output", tmp_path / "again", "--quiet")
    assert again.code == 0, again.err
    assert stored(tmp_path / "again")["scores"] == json.loads(one.read_text())["scores"]


def test_an_option_that_changes_the_file_makes_an_off_track_result(track, tmp_path):
    done = run(tmp_path, "--track", track(), "--epochs", "1")
    assert done.code == 0, done.err
    assert stored(tmp_path)["off_track"] == {"overrides": {"epochs": 1}}


def test_results_of_two_files_with_one_name_share_no_table(track, tmp_path):
    assert run(tmp_path, "--track", track()).code == 0
    other = track(SHORT.replace("0.05", "0.01"), "other.toml")
    assert run(tmp_path, "--track", other, "--seed", "1").code == 0
    refused = call("leaderboard", "--output", tmp_path)
    assert refused.code == 1
    assert "are of one track but differ: " in refused.err and "lr" in refused.err


def test_the_same_track_from_python_has_the_same_spec(track, tmp_path):
    result = lnlbench.run("ce", track=track(), output=tmp_path)
    printed = call("run", "--track", track(), "--method", "ce", "--print-spec")
    assert result.fingerprint == parse_spec(printed.out, "printed").fingerprint


def test_a_spec_of_a_shipped_track_is_as_before(track):
    method = load_plugins().method("ce")
    assert "own_track" not in build_spec(method, "digits").document()
    own = build_spec(method, find_track(str(track())))
    assert deviations(own, method) == {}
    assert parse_spec(own.model_dump_json(), "itself") == own


def test_a_spec_with_a_shipped_name_cannot_bring_another_protocol(track):
    method = load_plugins().method("ce")
    document = build_spec(method, find_track(str(track()))).document()
    document["track"] = "digits"
    with pytest.raises(UsageError, match="belongs to a track that lnlbench ships"):
        parse_spec(json.dumps(document), "forged")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("epochs = 2", "epoch = 2"), "Did you mean 'epochs'?"),
        (("lr = 0.05", "lr = 0.05, momentun = 0.9"), "Did you mean 'momentum'?"),
        (("epochs = 2", 'epochs = "two"'), "epochs: Input should be a valid integer"),
        (("lr = 0.05", "lr = -1"), "optimizer.lr: Input should be greater than 0"),
        (("epochs = 2\n", ""), "lacks epochs"),
        (('title = "Few digits"\n', ""), "lacks title"),
        (("epochs = 2", "epochs ="), "is not a TOML file"),
        (('"tiny"', '"a/b"'), "Did you mean 'a-b'?"),
        (('"tiny"', '"../tiny"'), "lower-case words"),
        (('"tiny"', "3"), "name: Input should be a valid string"),
        (('"tiny"', '"digits"'), "such as 'my-digits'"),
        (('"tiny"', '"off-track"'), "Choose another name"),
        (('"fp32"', '"auto"'), "depend on the machine"),
        (("symmetric:0.20", "symetric:0.2"), "Did you mean 'symmetric'"),
        (('"digits"', '"digitz"'), "Did you mean 'digits'?"),
        (("optimizer = {lr = 0.05}", "optimizer = 3"), "optimizer"),
        (("optimizer", "data = {settings = {root = 'x'}}\noptimizer"), "Leave out [data]"),
        (("optimizer", "data = {sha256 = 'x'}\noptimizer"), "data.sha256"),
    ],
)
def test_a_file_that_is_no_track_is_refused_in_words(track, tmp_path, change, said):
    assert change[0] in SHORT
    refused = run(tmp_path, "--track", track(SHORT.replace(*change)))
    assert refused.code == 2
    assert said in " ".join(refused.err.split()), refused.err
    assert "Traceback" not in refused.err


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    for name, said in {
        "missing.toml": "No such file",
        "folder.toml": "Is a directory",
        "binary.toml": "is not a TOML file",
    }.items():
        for command in ("run", "tune"):
            refused = call(command, "--method", "ce", "--track", tmp_path / name)
            assert refused.code == 2
            assert said in refused.err and "Traceback" not in refused.err


def test_every_shipped_track_can_begin_a_file(track):
    for name in track_names():
        printed = call("tracks", "show", name, "--toml")
        read = read_track(track(printed.out))
        assert read.name == f"my-{name}"
        assert read.protocol == load_track(name).protocol
        assert track_text(name) in printed.out


def test_the_commands_show_what_a_file_fixes(track):
    shown = call("tracks", "show", track())
    assert shown.code == 0 and "small-cnn" in shown.out
    document = json.loads(call("tracks", "show", track(), "--json").out)
    assert document["protocol"]["limit_train"] == 128 and "own" not in document


def test_a_sweep_a_plan_and_a_search_take_the_file(track, tmp_path):
    file = track()
    planned = call("plan", "--track", file, "--method", "ce", "--output", tmp_path)
    assert planned.code == 0 and planned.out.count("lnlbench run --spec") == 1
    spec = next((tmp_path / "runs" / "tiny").rglob("spec.json"))
    assert json.loads(spec.read_text())["own_track"]["title"] == "Few digits"
    swept = call("sweep", "--track", file, "--method", "ce", "--dry-run", "--output", tmp_path)
    assert swept.code == 0, swept.err
    searched = call("tune", "--track", file, "--method", "gce", "--dry-run", "--output", tmp_path)
    assert searched.code == 0, searched.err
    bench = call("bench", "--track", file, "--method", "ce", "--samples", "64", "--repeats", "1")
    assert bench.code == 0, bench.err


def test_a_recipe_that_was_tuned_on_a_file_is_used_with_the_file(track, tmp_path):
    from tuned import make_tuning

    recipe = tmp_path / "recipe.json"
    tuning = make_tuning(track="tiny")
    recipe.write_text(tuning.model_dump_json())
    arguments = ("run", "--recipe-file", recipe, "--print-spec")
    alone = call(*arguments)
    assert alone.code == 2 and "A track of your own is a file" in alone.err
    printed = call(*arguments, "--track", track())
    assert printed.code == 0, printed.err
    assert json.loads(printed.out)["track"] == "tiny"


def test_the_guides_file_is_a_track(track):
    [text] = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.S | re.M)
    read = read_track(track(text))
    assert read.name == "photos" and read.data.settings["image_size"] == 64
