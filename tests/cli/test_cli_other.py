"""The help, the version, and the commands that list, explain and time."""

import json
import resource
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer
from cli import call, command, environment, run_process

import lnlbench
from lnlbench.cli import app, main
from lnlbench.tracks import DEFAULT_TRACK, track_names

HEAVY = {"torch", "torchvision", "timm", "numpy", "scipy", "pandas", "pydantic", "sklearn"}


def document(*arguments):
    outcome = call(*arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def command_paths(group, path=()):
    """Every command and group of commands, as the arguments that name it."""
    yield path
    for name, each in getattr(group, "commands", {}).items():
        yield from command_paths(each, (*path, name))


def command_of(path):
    group = typer.main.get_command(app)
    for name in path:
        group = group.commands[name]
    return group


COMMANDS = list(command_paths(typer.main.get_command(app)))


def test_help_takes_half_a_second_at_most(tmp_path):
    # The processor's time, not the clock's: other work on the machine must not decide this test.
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    seconds = []
    for _ in range(3):
        began = used()
        outcome = run_process("--help", cwd=tmp_path)
        seconds.append(used() - began)
        assert outcome.code == 0
    assert min(seconds) <= 0.5


def test_help_imports_nothing_heavy(tmp_path):
    arguments = [sys.executable, "-X", "importtime", *command("--help")[1:]]
    done = subprocess.run(
        arguments, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"lnlbench.cli", "typer"} <= imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_help_names_every_command():
    text = call("--help").out
    missing = [path for path in COMMANDS if len(path) == 1 and f" {path[0]} " not in text]
    # Only lnlbench sweep and lnlbench tune start these.
    assert missing == [("mirrored",), ("trial",)]


def test_every_kind_of_command_is_among_those_tested():
    assert {("run",), ("tracks", "show"), ("methods", "show"), ("data", "fetch")} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_cuts_no_option_at_80_columns(path):
    outcome = call(*path, "--help", COLUMNS="80")
    assert outcome.code == 0
    options = [name for each in command_of(path).params for name in each.opts if "--" in name]
    assert set(options) <= set(outcome.out.split())
    assert "Usage: lnlbench" in outcome.out
    assert outcome.err == ""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path):
    group = command_of(path)
    unexplained = [each.name for each in group.params if not getattr(each, "help", None)]
    assert unexplained == []
    assert group.help


def test_version(tmp_path):
    outcome = run_process("--version", cwd=tmp_path)
    assert (outcome.code, outcome.out) == (0, f"lnlbench {lnlbench.__version__}\n")


def test_the_console_script_is_main():
    [script] = entry_points(group="console_scripts", name="lnlbench")
    assert script.load() is main


def test_the_console_script_runs(tmp_path):
    folder = Path(sys.executable).parent
    script = shutil.which("lnlbench", path=folder)
    assert script is not None, f"no lnlbench in {folder}: is the package installed?"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"lnlbench {lnlbench.__version__}\n"


def test_nothing_but_the_name_shows_the_help():
    outcome = call()
    assert "Usage: lnlbench" in outcome.out + outcome.err


def test_tracks():
    outcome = call("tracks", COLUMNS="200")
    assert outcome.code == 0
    for name in track_names():
        assert name in outcome.out
    assert f"{DEFAULT_TRACK} (default)" in outcome.out
    assert [track["name"] for track in document("tracks")["tracks"]] == track_names()


def test_tracks_show():
    shown = document("tracks", "show", "digits")
    assert shown["name"] == "digits"
    assert shown["protocol"] | {"noise": "", "optimizer": {}} == {
        "dataset": "digits",
        "noise": "",
        "noise_seed": 0,
        "backbone": "small-cnn",
        "augment": "crop",
        "optimizer": {},
        "epochs": 60,
        "batch_size": 64,
        "milestones": [0.5],
        "gamma": 0.1,
        "precision": "fp32",
        "validation": 0.0,
        "limit_train": None,
        "limit_test": None,
    }
    table = call("tracks", "show", "digits", COLUMNS="200").out
    for field in shown["protocol"]:
        assert field in table


def test_datasets():
    shown = document("datasets")
    names = [each["name"] for each in shown["datasets"]]
    assert names == ["cifar10", "cifar100", "cifar100-coarse", "digits"]
    assert {"clean", "noisy-fine", "worst", "instance:RATE"} <= set(shown["noise"])
    assert document("datasets", "show", "cifar100n") == shown["datasets"][1]
    plain = call("datasets", COLUMNS="200").out
    for name in (*names, *shown["noise"]):
        assert name in plain
    explained = call("datasets", "show", "cifar10n").out
    for text in ("cifar10", "aggre, random1, random2, random3, worst", "asymmetric:RATE"):
        assert text in explained
    assert "asymmetric" not in call("datasets", "show", "digits").out


def test_backbones_have_the_published_sizes():
    shown = document("backbones")["backbones"]
    sizes = {each["name"]: each["parameters"] for each in shown}
    # Millions of parameters at 100 classes, with the CIFAR stem: He et al., 2016.
    assert round(sizes["resnet34"] / 1e6, 1) == 21.3
    assert round(sizes["preact-resnet18"] / 1e6, 1) == 11.2
    plain = call("backbones").out
    assert "timm:" in plain
    for each in shown:
        assert each["name"] in plain
        assert document("backbones", "show", each["name"]) == each
        assert each["description"]
    assert "21,328,292" in call("backbones", "show", "resnet34").out


def test_bench_gives_times_and_their_ratio_to_the_floor(tmp_path):
    file = tmp_path / "timings.json"
    arguments = ("bench", "--method", "ce", "--samples", "256", "--batch-size", "64")
    shown = document(*arguments, "--repeats", "1", "--output", file)
    [timing] = shown["timings"]
    assert json.loads(file.read_text()) == shown
    assert (timing["method"], timing["samples"], timing["batch_size"]) == ("ce", 256, 64)
    assert timing["seconds_per_epoch"] > 0
    assert timing["floor_seconds"] > 0
    ratio = timing["seconds_per_epoch"] / timing["floor_seconds"]
    assert timing["ratio_to_floor"] == pytest.approx(ratio)
    assert timing["images_per_second"] == pytest.approx(256 / timing["seconds_per_epoch"])
    # One epoch of four steps beside other tests: its size says that both are times of an epoch.
    assert 0.1 < timing["ratio_to_floor"] < 10


@pytest.mark.parametrize(
    ("flags", "texts"),
    [
        (("--method", "ce-clean"), ("'ce-clean'", "clean labels")),
        (("--method", "ce", "--batch-size", "1"), ("--batch-size", "1")),
        (("--method", "ce", "--samples", "1"), ("--samples", "4")),
        (("--method", "ce", "--backbone", "resnet-smal"), ("Did you mean 'resnet-small'?",)),
        (("--method", "ce", "--device", "banana"), ("'banana'", "cpu")),
    ],
)
def test_bench_refuses(flags, texts):
    outcome = call("bench", *flags)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    for text in texts:
        assert text in outcome.err
