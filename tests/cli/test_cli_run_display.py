"""What `lnlbench run` shows while it runs: plain lines, or a bar and a table on a terminal."""

import os
import pty
import subprocess

import pytest
from cli import SMALL, call, command, environment

CE = ("run", "--method", "ce", *SMALL)


def test_plain_lines_where_there_is_no_terminal(tmp_path):
    outcome = call(*CE, "--output", tmp_path)
    title, first, second, last = outcome.out.splitlines()
    assert title == "ce · digits · seed 0: 2 epochs"
    for number, line in enumerate((first, second), start=1):
        assert line.startswith(f"epoch {number}/2  loss ")
        for column in ("test", "train", "memorized", "img/s", "time", "ETA"):
            assert f"  {column} " in line
    assert "done, test_accuracy_last10" in last
    assert f"Result: {tmp_path}" in last
    assert (outcome.err, "\x1b" in outcome.out) == ("", False)


def on_terminal(*arguments, cwd):
    """What a command shows on a pseudo-terminal of 160 columns, and its exit code."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(TERM="xterm-256color", COLUMNS="160", LINES="50"),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # EIO: on Linux, what the end of a terminal's output is
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(60), shown.decode()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    return folder, *on_terminal(*CE, cwd=folder)


def test_a_terminal_shows_a_bar_a_table_and_the_final_line(terminal):
    _, code, shown = terminal
    assert code == 0
    assert "━" in shown
    for text in ("ce · digits · seed 0", "100%", "epoch 2/2", "memorized", "img/s", "ETA"):
        assert text in shown
    assert "ce · digits · seed 0: done" in shown.splitlines()[-1]
    # The cursor, hidden while the display lives, is given back.
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_a_terminal_shows_that_a_run_is_already_done(terminal):
    folder, _, _ = terminal
    code, shown = on_terminal(*CE, cwd=folder)
    assert "Traceback" not in shown
    assert code == 0
    assert "already done" in shown
