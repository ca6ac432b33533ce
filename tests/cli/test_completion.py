"""Completion in real shells: commands, options, names and run folders, without torch."""

import os
import shutil
import subprocess
import sys

import pytest
from cli import call, environment

from lnlbench.plugins import known_plugins, load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.run_spec import build_spec
from lnlbench.tracks import track_names

PROGRAM = """\
import sys
sys.argv[0] = "lnlbench"
from lnlbench.cli import main
try:
    main()
finally:
    sys.stderr.write("torch" if "torch" in sys.modules else "quick")
"""
BASH = """
eval "$(lnlbench completion bash)"
COMP_LINE="$LINE" COMP_POINT=${#LINE}
_lnlbench_completion lnlbench 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { }
_files() { }
compadd() { [[ $1 == -S ]] && shift 2; shift; print -l -- "$@" }
eval "$(lnlbench completion zsh)"
words=("${(@s: :)LINE}") CURRENT=${#words}
_lnlbench_completion
"""
FISH = """
lnlbench completion fish | source
complete --do-complete "$LINE" | string replace --regex '\\t.*' ''
"""
SHELLS = {"bash": ("bash", BASH), "zsh": ("zsh", ZSH), "fish": ("fish", FISH)}


def needs(shell):
    missing = shutil.which(shell) is None
    skip = pytest.mark.skipif(missing, reason=f"{shell} is not installed")
    return pytest.param(shell, marks=skip)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the program, a run, and the names of the methods that are kept already."""
    folder = tmp_path_factory.mktemp("completion")
    spec = build_spec(load_plugins().method("ce"), "digits")
    RunDirectory.of_spec(folder, spec).write_spec(spec)
    program = folder / "bin" / "lnlbench"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNLBENCH_CACHE_DIR", str(folder / "cache"))
        known_plugins()
    return folder


def variables(place, **more):
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return environment(PATH=path, LNLBENCH_CACHE_DIR=str(place / "cache"), **more)


def complete(place, shell, line):
    """What a shell offers for a command line."""
    program, script = SHELLS[shell]
    options = ["--no-config"] if shell == "fish" else ["--norc"] if shell == "bash" else ["-f"]
    done = subprocess.run(
        [program, *options, "-c", script],
        cwd=place,
        env=variables(place, LINE=line, HOME=str(place)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [each.strip() for each in done.stdout.splitlines() if each.strip()]


EXPECTED = {
    "lnlbench stat": ["status"],
    "lnlbench tracks sh": ["show"],
    "lnlbench run --print": ["--print-spec"],
    "lnlbench run --method div": ["dividemix"],
    "lnlbench run --method ce,div": ["ce,dividemix"],
    "lnlbench run --track dig": ["digits"],
    "lnlbench run --method dividemix --set temp": ["temperature="],
    "lnlbench run --method dividemix --recipe linear": ["linear-probe"],
    "lnlbench sweep --method co-teaching-p": ["co-teaching-plus"],
}


@pytest.mark.parametrize("line", EXPECTED)
def test_bash_offers_what_can_be_typed(place, line):
    assert complete(place, "bash", line) == EXPECTED[line]


# All shells ask in the same way, so three lines show that they read the answer.
@pytest.mark.parametrize("shell", [needs("zsh"), needs("fish")])
@pytest.mark.parametrize("line", list(EXPECTED)[::3])
def test_a_shell_offers_what_can_be_typed(place, shell, line):
    assert complete(place, shell, line) == EXPECTED[line]


@pytest.mark.parametrize("shell", ["bash", needs("zsh"), needs("fish")])
def test_a_shell_offers_the_folders_of_runs(place, shell):
    offered = complete(place, shell, "lnlbench run --resume runs/dig")
    [folder] = [each for each in offered if "seed0" in each]  # fish offers the folder above, too
    assert (place / folder / "spec.json").is_file()


def test_names_are_offered_without_torch_once_they_are_kept(place):
    asked = {
        "_LNLBENCH_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }

    def answer(line):
        given = variables(place, _TYPER_COMPLETE_ARGS=line, **asked)
        return subprocess.run(["lnlbench"], env=given, capture_output=True, text=True)

    methods = answer("lnlbench run --method ")
    assert set(load_plugins().methods) <= set(methods.stdout.split())
    assert methods.stderr == "quick"
    tracks = answer("lnlbench run --track ")
    assert tracks.stdout.split() == track_names()


def test_an_unknown_shell_is_refused():
    outcome = call("completion", "tcsh")
    assert outcome.code == 2 and "tcsh" in outcome.err
