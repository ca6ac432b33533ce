"""Data sets of plugins: found, refused, run, repeated, and pinned by their content."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from cli import SMALL, call, directory_of, stored
from plugin_zoo import SHADES, good_source, install, on_the_path

from lnlbench.plugins import Origin, load_plugins


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, one of which provides the data set `shades`."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench-shades", SHADES, version="1.5")
        yield folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "offset.txt").write_text("0")
    return folder


def run(output, *arguments):
    flags = ("--track", "digits", "--epochs", "2", "--output", output, "--quiet")
    return call("run", *flags, "--method", "ce", *arguments)


def test_hook_register_datasets(site):
    plugins = load_plugins()
    assert plugins.datasets["shades"].title == "shades of [gray]"
    assert plugins.dataset_origins["shades"] == Origin("lnlbench-shades", "1.5", "plugin")


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("['shades']", "not an lnlbench.DataSource"),
        ("[lnlbench.DataSource('Shades', 't', lnlbench.Params, print)]", "not lower-case words"),
        ("[lnlbench.DataSource('\\x1b[31m', 't', lnlbench.Params, print)]", r"'\x1b[31m' is not"),
        ("[lnlbench.DataSource('cifar100n', 't', lnlbench.Params, print)]", "lnlbench's own"),
        ("[lnlbench.DataSource('one', ' ', lnlbench.Params, print)]", "has no title"),
        ("[lnlbench.DataSource('one', 't', dict, print)]", "not a subclass of lnlbench.Params"),
        ("[lnlbench.DataSource('one', 't', lnlbench.Params, None)]", "load is not a function"),
        ("[lnlbench.DataSource('one', 't', lnlbench.Params, print, ('x',))]", "reading names 'x'"),
        ("[lnlbench.DataSource('shades', 't', lnlbench.Params, print)]", "by lnlbench-shades"),
        ("None", "not a list of DataSources"),
    ],
)
def test_a_data_set_that_breaks_the_interface_is_refused(site, returned, reason):
    hook = f"@lnlbench.hookimpl\ndef register_datasets():\n    return {returned}\n"
    install(site, "lnlbench-z", f"import lnlbench\n\n{hook}")
    plugins = load_plugins()
    [error] = [each for each in plugins.errors if each.origin.distribution == "lnlbench-z"]
    assert reason in error.reason
    assert error.reason.isprintable()
    assert plugins.dataset_origins["shades"].distribution == "lnlbench-shades"


def test_a_run_learns_the_given_labels_and_says_which_data_they_were(site, root, tmp_path):
    (root / "clean").touch()
    done = run(tmp_path, "--dataset", "shades", "--set-data", f"root={root}")
    assert done.code == 0, done.err
    result = stored(tmp_path)
    assert result["data"]["noise"] == "given"
    assert result["data"]["noise_rate"] == 0.2
    assert result["scores"]["memorization"] is not None
    data = result["spec"]["protocol"]["data"]
    assert data["settings"] == {"size": 8}
    assert len(data["sha256"]) == 64
    assert str(root) not in json.dumps(result)
    assert set(result["off_track"]["overrides"]) == {"dataset", "data", "noise", "epochs"}


def test_a_run_names_the_classes_of_own_data_before_it_trains(site, root, tmp_path):
    flags = ("--track", "digits", "--epochs", "1", "--output", tmp_path, "--method", "ce")
    done = call("run", *flags, "--dataset", "shades", "--set-data", f"root={root}")
    assert done.code == 0, done.err
    told = done.out + done.err
    assert 0 <= told.index(" classes: ") < told.index("epoch 1/1")


def test_the_command_of_a_report_repeats_the_run_on_own_data(site, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(tmp_path, "--dataset", "shades", "--set-data", f"root={root}")
    assert done.code == 0, done.err
    [spec] = [json.loads(file.read_text()) for file in (tmp_path / "runs").rglob("spec.json")]
    assert call("report", directory_of(tmp_path).path).code == 0
    [detail] = re.findall(r'-detail">(.*?)</script>', Path("report.html").read_text())
    _, *arguments = shlex.split(json.loads(detail)["command"])
    printed = call(*arguments, "--print-spec")
    assert json.loads(printed.out) == spec, printed.err
    repeated = call(*arguments, "--quiet", "--overwrite")
    assert repeated.code == 0, repeated.err


def test_where_nobody_knows_the_truth_nothing_is_said_of_it(site, root, tmp_path):
    flags = ("--dataset", "shades", "--set-data", f"root={root}")
    done = run(tmp_path, *flags, "--method", "co-teaching")
    assert done.code == 0, done.err
    files = sorted((tmp_path / "leaderboards").rglob("*.json"))
    for result in (json.loads(file.read_text()) for file in files):
        assert result["data"]["noise_rate"] is None
        for score in ("memorization", "clean_auroc", "label_precision"):
            assert result["scores"][score] is None
        assert "train_accuracy_clean" not in result["curves"]
    refused = call("run", "--track", "digits", "--method", "ce-clean", *flags, "--output", tmp_path)
    assert refused.code == 2
    assert "the clean labels are unknown for 'shades'" in refused.err
    made = run(tmp_path, *flags, "--noise", "symmetric:0.5")
    assert made.code == 0, made.err


def test_a_spec_is_run_wherever_the_same_data_lie_and_refuses_others(site, root, tmp_path):
    flags = ("--dataset", "shades", "--set-data", f"root={root}")
    spec = tmp_path / "spec.json"
    printed = run(tmp_path, *flags, "--print-spec")
    assert printed.code == 0, printed.err
    spec.write_text(printed.out)
    moved = root.rename(tmp_path / "moved")
    execute = ("run", "--spec", spec, "--output", tmp_path / "out", "--quiet")
    lost = call(*execute)
    assert lost.code == 2
    assert "Parameter 'root' of data set 'shades'" in lost.err
    found = call(*execute, "--set-data", f"root={moved}")
    assert found.code == 0, found.err
    [directory] = [file.parent for file in (tmp_path / "out" / "runs").rglob("spec.json")]
    (moved / "offset.txt").write_text("1")
    (directory / "result.json").unlink()
    for file in (tmp_path / "out" / "leaderboards").rglob("*.json"):
        file.unlink()
    changed = call("run", "--resume", directory)
    assert changed.code == 2
    assert f"(root={moved}) are not those of this run" in changed.err
    (moved / "offset.txt").write_text("0")
    resumed = call("run", "--resume", directory, "--quiet")
    assert resumed.code == 0, resumed.err


def test_a_result_is_verified_where_its_data_lay_or_where_they_lie_now(site, root, tmp_path):
    done = run(tmp_path, "--dataset", "shades", "--set-data", f"root={root}")
    assert done.code == 0, done.err
    [file] = (tmp_path / "leaderboards").rglob("*.json")
    same = call("verify", file, "--quiet")
    assert (same.code, "equal to the last bit" in same.out) == (0, True), same.err
    alone = shutil.copy(file, tmp_path / "alone.json")
    lost = call("verify", alone, "--quiet")
    assert (lost.code, "Give it with --set-data root=VALUE" in lost.err) == (2, True)
    moved = root.rename(tmp_path / "moved")
    found = call("verify", file, alone, "--quiet", "--set-data", f"root={moved}")
    assert found.code == 0, found.err
    assert found.out.count("equal to the last bit") == 2


def test_a_search_reads_the_data_of_an_own_track(site, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("optuna")
    toml = call("tracks", "show", "digits", "--toml").out
    toml = toml.replace('"digits"', '"shades"')
    toml = re.sub(r'noise = ".*"', 'noise = "given"', toml)
    Path("track.toml").write_text(f"{toml}\n[data.settings]\nroot = 'nowhere'\n")
    flags = ("--method", "gce", "--track", "track.toml", "--epochs", "1", "--trials", "1")
    place = ("--set-data", f"root={root.relative_to(tmp_path)}")
    done = call("tune", *flags, *place, PYTHONPATH=str(site))
    assert done.code == 0, done.err + done.out
    assert "--track FILE.toml" in done.out
    [recipe] = Path("tuning").rglob("recipe.json")
    short = ("--track", "track.toml", "--epochs", "1", *place)
    ran = call("run", "--recipe-file", recipe, *short, "--quiet")
    assert ran.code == 0, ran.err
    other = call("tune", *flags, *place, "--set-data", "size=9", "--dry-run")
    assert (other.code, "other data are another track" in other.err) == (2, True)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--dataset", "shade"), "Unknown data set 'shade'. Did you mean 'shades'?"),
        (("--dataset", "shades"), "Parameter 'root' of data set 'shades'"),
        (("--set-data", "root=x"), "--set-data is for the data set of a plugin"),
        (("--dataset", "shades", "--set-data", "rot=x"), "has no parameter 'rot'"),
        (("--dataset", "shades", "--set-data", "x"), "--set-data takes key=value"),
        (("--noise", "given"), "data set 'digits' has none beside its clean ones"),
    ],
)
def test_a_wrong_request_is_explained(site, tmp_path, flags, reason):
    refused = run(tmp_path, *flags)
    assert refused.code == 2
    assert reason in refused.err


def test_a_result_of_a_missing_plugin_names_what_is_missing(site, root, tmp_path, monkeypatch):
    printed = run(tmp_path, "--dataset", "shades", "--set-data", f"root={root}", "--print-spec")
    spec = tmp_path / "spec.json"
    spec.write_text(printed.out)
    refused = call("run", "--spec", spec, "--output", tmp_path, LNLBENCH_PLUGINS="none")
    assert refused.code == 2
    assert "needs the plugin that provides it" in refused.err


def test_the_data_sets_of_plugins_are_listed_and_explained(site):
    assert "shades of [gray]" in call("datasets", COLUMNS="200").out
    provided = json.loads(call("datasets", "--json").out)["provided"]
    assert "shades" in [each["name"] for each in provided]
    shown = call("datasets", "show", "shades").out
    assert "--set-data root=…  (Path; required) Folder with offset.txt." in shown
    assert "--set-data size=…  (int, ≥ 8; default 8) Pixels." in shown


def test_plugins_check_reports_and_exits_by_what_it_finds(site, root):
    passing = call("plugins", "check", "lnlbench-shades", "--set-data", f"root={root}")
    assert passing.code == 0, passing.out
    assert "Loaded twice, the data are the same." in passing.out
    waiting = call("plugins", "check", "lnlbench-shades")
    assert "Not loaded: it needs root" in waiting.out
    install(site, "lnlbench-broken", good_source("broken").replace("(2026)", ""))
    failing = call("plugins", "check", "lnlbench-broken", "--json")
    assert failing.code == 1
    report = json.loads(failing.out)
    assert report["passed"] is False
    assert "names no year" in report["reports"][0]["findings"][0]["found"]
    install(site, "lnlbench-unloadable", "raise OSError('no driver')")
    unloadable = call("plugins", "check", "lnlbench-unloadable")
    assert unloadable.code == 1
    assert "no driver" in unloadable.out
    unknown = call("plugins", "check", "lnlbench-shade")
    assert unknown.code == 2
    assert "Did you mean 'lnlbench-shades'?" in unknown.err


def test_runs_of_lnlbenchs_own_data_know_nothing_of_it(tmp_path):
    printed = call("run", *SMALL, "--method", "ce", "--print-spec")
    assert "data" not in json.loads(printed.out)["protocol"]
