"""What the import of a plugin may raise, print, change and take, and when nothing is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from listed_plugins import the_reason
from plugin_zoo import good_source, install, write_dist_info

import lnlbench
from lnlbench.plugins import load_plugins


def test_nothing_is_loaded_at_import_and_nothing_is_global(site):
    install(site, "lnlbench-a", good_source("first"))
    code = (
        "import sys, lnlbench.plugins\n"
        "print([m for m in ('torch', 'numpy', 'lnlbench_a_module') if m in sys.modules])"
    )
    path = [str(site), str(Path(lnlbench.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    first, second = load_plugins(), load_plugins()
    assert first.manager is not second.manager
    assert list(first.methods) == list(second.methods)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module"),
        ("x = 1\ndef (", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3 (lnlbench_a_module.py, line 1)"),
        ("raise GeneratorExit", "GeneratorExit"),
        (
            "import lnlbench\n\nclass P(lnlbench.Params):\n    steps = []",
            "(lnlbench_a_module.py, line 3)",
        ),
        (
            "import lnlbench\nlnlbench.Track.model_validate({'name': 'mine'})",
            "ValidationError: Track: title: Field required (lnlbench_a_module.py, line 2)",
        ),
        ("def f(): f()\nf()", "RecursionError: "),
        (
            "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
            "E: its message raised ValueError (lnlbench_a_module.py, line 3)",
        ),
        ("raise ValueError('\\x1b[2J' + 'long ' * 1000)", r"ValueError: \x1b[2Jlong long"),
    ],
)
def test_whatever_an_import_raises_is_that_plugins_error(site, source, reason):
    install(site, "lnlbench-a", source)
    plugins = load_plugins()
    found = the_reason(plugins, "lnlbench-a")
    assert found.startswith("importing 'lnlbench_a_module' raised")
    assert reason in found
    assert found.isprintable()
    assert len(found) <= 600
    assert "builtin-method" in plugins.methods


def test_a_missing_module_is_that_plugins_error(site):
    write_dist_info(site, "lnlbench-a", "[lnlbench]\nplugin = gone_module:missing\n")
    write_dist_info(site, "lnlbench-b", "[lnlbench]\nplugin = not a module\n")
    plugins = load_plugins()
    assert the_reason(plugins, "lnlbench-a") == (
        "importing 'gone_module:missing' raised ModuleNotFoundError: No module named 'gone_module'"
    )
    assert "importing 'not a module' raised" in the_reason(plugins, "lnlbench-b")


def test_control_c_during_an_import_still_stops_the_program(site):
    install(site, "lnlbench-a", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


def test_what_a_plugin_prints_does_not_reach_stdout(site, capsys):
    install(site, "lnlbench-a", "print('hello from a plugin')\n" + good_source("first"))
    load_plugins()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello from a plugin" in captured.err


def test_a_slow_import_is_named_with_the_way_out(site, monkeypatch, capsys):
    monkeypatch.setattr("lnlbench.plugins.importing.SLOW_SECONDS", 0.05)
    install(site, "lnlbench-a", "import time\ntime.sleep(0.4)\n" + good_source("late"))
    assert "late" in load_plugins().methods
    said = capsys.readouterr().err
    assert "Still importing the plugin lnlbench-a 1.0 (plugin)." in said
    assert "LNLBENCH_PLUGINS=none" in said


def test_help_imports_no_plugin(site):
    """Not even one that hangs, and neither does asking for the version."""
    install(site, "lnlbench-hangs", "while True:\n    pass\n")
    path = os.pathsep.join([str(site), str(Path(lnlbench.__file__).parents[1])])
    for arguments in (["--help"], ["--version"], ["plugins", "--help"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "lnlbench", *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not imported & {"torch", "numpy", "lnlbench_hangs_module"}
