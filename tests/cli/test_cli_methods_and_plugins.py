"""`lnlbench methods` and `lnlbench plugins`, as a terminal and as a program see them."""

import json
import sys

import pytest
from factories import make_result
from plugin_zoo import good_source, install, method_source
from typer.testing import CliRunner

from lnlbench.cli.methods import app as methods_app
from lnlbench.cli.plugins import app as plugins_app
from lnlbench.errors import UsageError
from lnlbench.results import ResultStore

PLUGIN = '''
from typing import Literal
from pydantic import Field
import lnlbench

class Fancy(lnlbench.LossMethod):
    """One line on what it does,
    wrapped.

    More that the table leaves out.
    """

    name = "fancy"
    reference = "A. Nobody, [bold]Somewhere[/bold] \\x1b[2J 2026"
    networks = 2
    oracle = frozenset({"noise_rate"})

    class Params(lnlbench.Params):
        keep: float = Field(0.7, gt=0, le=1, description="Share that is [learnt].")
        rule: Literal["small", "large"] = Field("small", description="Which losses.")
        warmup_epochs: int | None = Field(None, ge=0, description="Epochs on all samples.")

    recipes = {
        "native": lnlbench.Recipe(params={"keep": 0.5}, schedule={"epochs": 300}, note="Table 2")
    }

    def loss(self, network, batch, epoch):
        return network(batch.views[0]).sum()

@lnlbench.hookimpl
def register_methods():
    return [Fancy]
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A stand-in built-in plugin, one good, one broken and one left out."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LNLBENCH_PLUGINS", "lnlbench-fancy,lnlbench-broken")
    monkeypatch.setenv("COLUMNS", "200")
    modules = [
        install(tmp_path, "lnlbench", good_source("plain"), entry_point="builtin"),
        install(tmp_path, "lnlbench-fancy", PLUGIN, entry_point="fancy", version="1.2"),
        install(tmp_path, "lnlbench-broken", "raise OSError('[red]gone[/red] \x1b[2J')"),
        install(tmp_path, "lnlbench-left-out", method_source("")),
    ]
    yield
    for module in modules:
        sys.modules.pop(module, None)


def invoke_plugins(*arguments: str):
    return CliRunner().invoke(plugins_app, arguments)


def invoke_methods(*arguments: str):
    return CliRunner().invoke(methods_app, arguments)


def test_plugins_table_shows_the_loaded_the_failed_and_the_skipped(installed):
    result = invoke_plugins()
    assert result.exit_code == 0
    for text in ("lnlbench-fancy", "1.2", "fancy", "lnlbench-broken", "lnlbench-left-out"):
        assert text in result.stdout
    assert "OSError: [red]gone[/red] \\x1b[2J" in result.stdout
    assert "\x1b[2J" not in result.stdout


def test_plugins_json(installed):
    report = json.loads(invoke_plugins("--json").stdout)
    assert report["loaded"] == [
        {
            "distribution": "lnlbench",
            "version": "1.0",
            "entry_point": "builtin",
            "methods": ["plain"],
            "backbones": [],
            "datasets": [],
            "tracks": [],
        },
        {
            "distribution": "lnlbench-fancy",
            "version": "1.2",
            "entry_point": "fancy",
            "methods": ["fancy"],
            "backbones": [],
            "datasets": [],
            "tracks": [],
        },
    ]
    [failed] = report["failed"]
    assert failed["distribution"] == "lnlbench-broken"
    assert "OSError" in failed["reason"]
    assert "lnlbench-left-out" in [plugin["distribution"] for plugin in report["skipped"]]


def test_plugins_strict_exits_with_1_only_when_something_failed(installed, monkeypatch):
    failing = invoke_plugins("--strict", "--json")
    assert failing.exit_code == 1
    assert json.loads(failing.stdout)["failed"]
    monkeypatch.setenv("LNLBENCH_PLUGINS", "lnlbench-fancy")
    assert invoke_plugins("--strict").exit_code == 0


def test_methods_table(installed):
    result = invoke_methods()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    [row] = [number for number, line in enumerate(lines) if line.startswith("fancy ")]
    for text in ("2", "noise_rate", r"[bold]Somewhere[/bold] \x1b[2J"):
        assert text in lines[row]
    assert lines[row - 2] == "lnlbench-fancy:"
    assert lines.index("lnlbench:") < row - 2
    assert "Plugin problems: 1. `lnlbench plugins` shows them." in result.stderr


def test_methods_json(installed):
    methods = json.loads(invoke_methods("--json").stdout)["methods"]
    assert [method["name"] for method in methods] == ["fancy", "plain"]
    assert methods[0] | {"reference": ""} == {
        "name": "fancy",
        "networks": 2,
        "oracle": ["noise_rate"],
        "recipes": ["native"],
        "distribution": "lnlbench-fancy",
        "version": "1.2",
        "reference": "",
    }


def test_methods_show_explains_every_parameter(installed):
    result = invoke_methods("show", "fancy")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    for text in ("float", "> 0, ≤ 1", "0.7", "Share that is [learnt]."):
        assert text in lines["keep"]
    assert '"small" | "large"' in lines["rule"]
    for text in ("int | None", "≥ 0", "null"):
        assert text in lines["warmup_epochs"]
    for text in ('{"keep": 0.5}', '{"epochs": 300}', "Table 2"):
        assert text in lines["native"]
    assert "One line on what it does, wrapped." in lines["description"]
    assert "More that" not in result.stdout
    assert "noise_rate" in lines["oracle"]
    assert "\x1b[2J" not in result.stdout


def test_methods_show_of_a_method_without_parameters_says_so(installed):
    result = invoke_methods("show", "plain")
    assert "no parameters" in result.stdout
    assert "no recipes" in result.stdout


def test_methods_show_json(installed):
    details = json.loads(invoke_methods("show", "fancy", "--json").stdout)
    assert details["parameters"][0] == {
        "name": "keep",
        "type": "float",
        "bounds": "> 0, ≤ 1",
        "default": 0.7,
        "description": "Share that is [learnt].",
        "search": None,
    }
    assert details["recipes"]["native"] == {
        "params": {"keep": 0.5},
        "schedule": {"epochs": 300},
        "note": "Table 2",
    }


def test_methods_show_of_an_unknown_name_gives_the_nearest_and_the_failures(installed):
    error = invoke_methods("show", "fanci").exception
    assert isinstance(error, UsageError)
    assert "Did you mean 'fancy'?" in str(error)
    assert "lnlbench-broken 1.0 (plugin): " in str(error)


def timed(folder, method, seconds, **changes):
    store = ResultStore(folder / "leaderboards")
    for seed, wall in enumerate(seconds):
        store.save(make_result(method, seed, seconds=wall, track="digits", **changes))


def cost_lines(folder, name):
    result = invoke_methods("show", name, "--output", str(folder))
    assert result.exit_code == 0, result.exception
    return [line for line in result.stdout.splitlines() if line.startswith("cost")]


def test_methods_show_gives_the_measured_cost_with_its_source(installed, tmp_path):
    timed(tmp_path, "ce", (10.0, 14.0))
    timed(tmp_path, "fancy", (30.0, 40.0, 38.0))
    timed(tmp_path, "fancy", (6.0,), recipe="native")
    [matched, native] = cost_lines(tmp_path, "fancy")
    for text in ("3.00 x the time of ce on digits", "36 s against 12 s", "3 seeds", "NVIDIA H100"):
        assert text in matched
    assert "0.50 x the time of ce on digits with recipe native" in native
    document = json.loads(
        invoke_methods("show", "fancy", "--json", "--output", str(tmp_path)).stdout
    )
    assert document["cost"][0] == {
        "track": "digits",
        "recipe": "matched",
        "hardware": ["NVIDIA H100"],
        "seeds": 3,
        "time": "wall_seconds",
        "seconds": 36.0,
        "baseline_seconds": 12.0,
        "times_ce": 3.0,
    }


@pytest.mark.parametrize(
    "other",
    [
        {"environment": {"device": "CPU"}},
        {"status": "failed"},
        {"off_track": {"overrides": {"epochs": 3}}},
    ],
)
def test_a_cost_that_nobody_measured_is_not_guessed(installed, tmp_path, other):
    nothing = cost_lines(tmp_path, "fancy")
    timed(tmp_path, "ce", (10.0,))
    timed(tmp_path, "fancy", (30.0,), **other)
    assert cost_lines(tmp_path, "fancy") == nothing
    assert "not measured" in nothing[0]
