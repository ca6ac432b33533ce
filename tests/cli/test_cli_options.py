"""Options that several commands share mean the same in each of them."""

import json
import shlex
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import typer
from cli import call, environment
from printed import printed_specs
from typer.testing import CliRunner

from lnlbench.cli import app
from lnlbench.cli.options.grouping import grouped
from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.spec.overrides import OPTIONS

ON_DIGITS = ("--method", "ce", "--track", "digits")
CHANGES = (
    *("--epochs", "3", "--batch-size", "32", "--lr", "0.1", "--weight-decay", "0.001"),
    *("--noise", "symmetric:0.3", "--noise-seed", "4", "--augment", "none"),
    *("--limit-train", "200", "--limit-test", "50", "--validation", "0.2", "--precision", "bf16"),
)


def specs_of_plan(folder, *arguments):
    outcome = call("plan", *arguments, "--output", folder)
    assert outcome.code == 0, outcome.err
    files = [shlex.split(line)[3] for line in outcome.out.splitlines()]
    return [json.loads(Path(file).read_text()) for file in files]


@pytest.mark.parametrize(
    "arguments",
    [
        (*ON_DIGITS, *CHANGES),
        (*ON_DIGITS, "--override", "epochs=2,3", "--seeds", "2"),
        (*ON_DIGITS, "--noise", "clean,symmetric:0.4", "--override", "optimizer.momentum=0.5"),
        ("--method", "dividemix,ce", "--track", "digits", "--seeds", "1-2"),
        ("--method", "dividemix", "--track", "digits", "--set", "lambda_u=0,25"),
    ],
    ids=["flags", "override and seeds", "two noises", "two methods", "two values"],
)
def test_run_and_plan_mean_the_same_runs(tmp_path, arguments):
    planned = specs_of_plan(tmp_path, *arguments)
    assert planned == printed_specs(*arguments)


def test_a_flag_is_the_override_of_its_field():
    flags = printed_specs(*ON_DIGITS, "--epochs", "3", "--lr", "0.1")
    overrides = ("--override", "epochs=3", "--override", "optimizer.lr=0.1")
    assert flags == printed_specs(*ON_DIGITS, *overrides)
    assert flags != printed_specs(*ON_DIGITS)


def test_a_sweep_takes_the_flags_of_a_run(tmp_path):
    arguments = (*ON_DIGITS, *CHANGES, "--seeds", "2", "--dry-run", "--json", "--output", tmp_path)
    outcome = call("sweep", *arguments)
    assert outcome.code == 0, outcome.err
    fingerprints = [run["fingerprint"][:8] for run in json.loads(outcome.out)["runs"]]
    printed = call("plan", *arguments[:-4], "--output", tmp_path).out
    assert len(fingerprints) == 2
    assert all(key in printed for key in fingerprints)


@pytest.mark.parametrize("command", ["run", "sweep", "plan"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--epochs", "3", "--override", "epochs=4"), ("--epochs and --override", "3", "4")),
        (("--lr", "1", "--override", "optimizer.lr=4"), ("--lr and --override", "1.0", "4")),
        (("--override", "epoch=4"), ("'epoch'", "Did you mean 'epochs'?")),
        (("--override", "noise=0.4"), ("--noise was given 0.4", "valid string")),
        (("--override", "optimizer.lr=0"), ("--lr was given 0",)),
        (("--override", "gamma=5"), ("--override gamma was given 5",)),
        (
            ("--override", "optimizer.momentum=2"),
            ("--override optimizer.momentum was given 2", "less than 1"),
        ),
        (("--noise", "clean,symetric:0.4"), ("'symetric:0.4'", "Did you mean 'symmetric'?")),
        (("--head", "mlp"), ("--head belongs to a frozen backbone",)),
        (("--frozen", "--pretrained"), ("Choose one",)),
        (("--track", "digit"), ("'digit'", "Did you mean 'digits'?")),
        (("--seeds", "3-1"), ("--seeds", "'3-1'")),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_wrong_option_has_one_message_in_every_command(tmp_path, command, arguments, words):
    method = ("--method", "ce") if "--track" in arguments else ON_DIGITS
    outcome = call(command, *method, *arguments, "--output", tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Error: ")
    assert all(word in outcome.err for word in words), outcome.err
    assert list(tmp_path.iterdir()) == []


def test_one_run_has_one_place_of_its_data(tmp_path):
    outcome = call("run", *ON_DIGITS, "--dataset", "shades", "--set-data", "root=a,b")
    assert outcome.code == 2
    assert "--set-data gives 'root' 2 values" in outcome.err


def test_options_with_the_same_name_have_the_same_help_in_run_sweep_and_plan():
    commands = typer.main.get_command(app).commands
    described = [
        {option.name: option.help for option in commands[name].params if hasattr(option, "help")}
        for name in ("run", "sweep", "plan")
    ]
    shared = described[0].keys() & described[1].keys() & described[2].keys()
    assert {"epochs", "noise", "batch_size", "lr", "limit_train", "seeds", "compiled"} <= shared
    for name in shared:
        assert len({each[name] for each in described}) == 1, name


def test_a_group_of_options_is_given_to_the_command_as_one_object():
    @dataclass(frozen=True)
    class Size:
        width: int = 1
        height: int = 2

    seen = []

    @grouped
    def command(name: str, size: Size, loud: bool = False) -> None:
        """Say what was given."""
        seen.append((name, size, loud))

    program = typer.Typer()
    program.command()(command)
    runner = CliRunner()
    assert runner.invoke(program, ["a", "--height", "5", "--loud"]).exit_code == 0
    assert runner.invoke(program, ["b"]).exit_code == 0
    assert seen == [("a", Size(1, 5), True), ("b", Size(1, 2), False)]
    assert "Say what was given." in runner.invoke(program, ["--help"], env=environment()).output


def test_every_option_of_the_protocol_is_known_to_its_messages():
    switches = {"frozen", "pretrained", "override"}
    assert {each.name for each in fields(ProtocolOptions)} - switches == OPTIONS
