"""What a command prints: escaped, in the terminal's encoding, and complete or reported."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from functools import partial

import pytest
from cli import SMALL, command, environment, run_process, start_forked
from factories import make_document

from lnlbench.results import Result, ResultStore
from lnlbench.system.console import Console
from lnlbench.system.terminal import safe_streams

HOSTILE = "a\x1b[2J\x1b]0;X\x07\u202e\x9bb\udce9"
RUN = ("run", *SMALL, "--method", "ce", "--epochs", "1")


def read_all(terminal):
    written = b""
    with contextlib.suppress(OSError):  # how Linux says that the other side was closed
        while piece := os.read(terminal, 1 << 16):
            written += piece
    os.close(terminal)
    return written.decode(errors="replace")


def attach(name, descriptors):
    """Write to the file of that name in the place of these descriptors."""
    opened = os.open(name, os.O_WRONLY | os.O_NOCTTY)
    for descriptor in descriptors:
        os.dup2(opened, descriptor)
    os.close(opened)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    os.environ.update(TERM="xterm", COLUMNS="200")


def on_terminal(*arguments, folder):
    """What the command writes to a wide terminal, standard error included."""
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    running = start_forked(*arguments, folder=folder, prepare=partial(attach, name, (1, 2)))
    running.finish()
    os.close(theirs)
    return read_all(ours)


def foreign_commands(text):
    """Control characters of a terminal's output, rich's own colors and cursor moves left out."""
    rest = re.sub(r"\x1b\[[0-9;?]*[mhlKAGHJ]", "", text.replace("\x1b[2J", "CLEARED"))
    return re.findall(r"CLEARED|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", rest)


def write_results(folder):
    """One result of a run; gives its folder and its document."""
    document = make_document()
    store = ResultStore(folder / "leaderboards")
    return store.save(Result.model_validate(document)).parent, document


def write_hostile_results(folder):
    place, document = write_results(folder)
    (place / "extra.json").write_text(json.dumps({**document, HOSTILE: 1}, ensure_ascii=True))
    (place / os.fsdecode(b"b\x1b[31mX\x1b]0;X\x07\xe9.json")).write_text("{")
    return place


@pytest.mark.parametrize(
    "arguments",
    [
        ("leaderboard", "--output", "."),
        ("leaderboard", "--check", "--output", "."),
        ("run", "--track", HOSTILE[:-1], "--method", "ce"),
        ("run", "--track", "digits", "--method", HOSTILE[:-1]),
        ("run", "--track", "digits", "--method", "ce", "--set", HOSTILE[:-1] + "=1"),
        ("run", f"--{HOSTILE[:-1]}"),
        ("run", "--spec", HOSTILE[:-1]),
        ("sweep", HOSTILE[:-1]),
        (HOSTILE[:-1],),
        ("methods", "show", HOSTILE[:-1]),
    ],
    ids=lambda arguments: " ".join(arguments)[:30].encode("ascii", "replace").decode(),
)
def test_nothing_foreign_commands_the_terminal(tmp_path, arguments):
    write_hostile_results(tmp_path)
    written = on_terminal(*arguments, folder=tmp_path)
    assert r"\x1b" in written, "the foreign text is shown, escaped"
    assert foreign_commands(written) == []


def test_a_console_escapes_in_tables_and_progress_and_keeps_its_own_colors(capsys):
    from rich.table import Table
    from rich.text import Text

    console = Console(force_terminal=True, width=120)
    table = Table(title=Text(HOSTILE))
    table.add_column(Text(HOSTILE))
    table.add_row(Text(HOSTILE, style="red"))
    console.print(table)
    console.print(HOSTILE, markup=False, highlight=False, soft_wrap=True)
    written = capsys.readouterr().out
    assert "\x1b[31m" in written
    assert foreign_commands(written) == []
    assert written.count(r"a\x1b[2J") == 4


def test_a_terminal_without_unicode_loses_no_run_and_no_table(tmp_path):
    ascii_only = environment(PYTHONIOENCODING="ascii", TERM="xterm", COLUMNS="200")
    ours, theirs = pty.openpty()
    live = subprocess.Popen(
        command(*RUN, "--seeds", "0-1"), cwd=tmp_path, env=ascii_only, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = read_all(ours)
    assert live.wait(60) == 0, written
    assert "ce - digits - seed 1: done" in written
    board = run_process("leaderboard", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert board.code == 0, board.err
    assert "+/-" in board.out


COMMANDS = [
    ("--help",),
    ("--version",),
    ("backbones",),
    ("datasets",),
    ("leaderboard",),
    ("leaderboard", "--format", "csv"),
    ("leaderboard", "--format", "json"),
    ("methods",),
    ("methods", "show", "ce"),
    ("plan", "--track", "digits", "--method", "ce"),
    ("plugins",),
    ("tracks", "show", "digits"),
    (*RUN, "--print-spec"),
    (*RUN,),
]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path, arguments):
    write_results(tmp_path)
    full = partial(attach, "/dev/full", (1,))
    ended = start_forked(*arguments, folder=tmp_path, prepare=full).finish()
    assert ended.code == 1
    assert ended.err == "Error: Cannot write to standard output: No space left on device.\n"
    if arguments == RUN:
        [file] = (tmp_path / "leaderboards" / "results").rglob("*/digits/**/*.json")
        assert json.loads(file.read_text())["status"] == "done"


def test_a_reader_that_goes_away_ends_no_run(tmp_path):
    process = subprocess.Popen(
        command(*RUN), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=sys.stderr
    )
    process.stdout.close()
    assert process.wait(120) == 1
    [file] = (tmp_path / "leaderboards").rglob("*.json")
    assert json.loads(file.read_text())["status"] == "done"


def test_streams_are_put_back(capsys):
    before = sys.stdout, sys.stderr
    with safe_streams():
        sys.stderr.write(HOSTILE)
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().err == r"a\x1b[2J\x1b]0;X\x07\u202e\x9bb\udce9"


def test_line_ends_and_tabs_are_kept(capsysbinary):
    with safe_streams():
        sys.stdout.write("a\tb\r\nc\rd\n")
    assert capsysbinary.readouterr().out == b"a\tb\r\nc\\rd\n"
