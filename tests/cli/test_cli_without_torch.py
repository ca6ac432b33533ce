"""What trains nothing answers without torch, whose import takes seconds."""

import subprocess
import sys

import pytest
from cli import environment

ON_DIGITS = ("--method", "ce", "--track", "digits")
PROGRAM = """
import sys
from lnlbench.cli import main
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
sys.stderr.write(f"code {code}, torch {'torch' in sys.modules}")
"""

ANSWERED = [
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("sweep", "--help"),
    ("export", "--help"),
    ("predict", "--help"),
    ("tracks",),
    ("tracks", "show", "digits"),
    ("datasets", "show", "cifar100n"),
]
REFUSED = [
    ("run",),
    ("run", *ON_DIGITS, "--seed", "1", "--seeds", "2"),
    ("run", *ON_DIGITS, "--seeds", "many"),
    ("run", *ON_DIGITS, "--epochs", "0"),
    ("run", *ON_DIGITS, "--noise", "symetric:0.4"),
    ("run", *ON_DIGITS, "--set", "lambda_u"),
    ("run", "--method", "ce", "--track", "digit"),
    ("run", "--resume", "nowhere"),
    ("run", "--spec", "missing.json"),
    ("sweep", "--method", "ce"),
    ("sweep", "missing.toml"),
    ("sweep", *ON_DIGITS, "--override", "epoch=3"),
    ("sweep", *ON_DIGITS, "--time-limit", "soon"),
    ("plan", "--method", "ce", "--track", "digit"),
    ("tune", "--method", "ce", "--track", "digit"),
    ("status", "nowhere"),
    ("bench", "--track", "digit"),
    ("embed", "--track", "digit"),
    ("tracks", "show", "digit"),
    ("leaderboard", "--check"),
    ("export", "nowhere", "--output", "model"),
]


@pytest.mark.parametrize("arguments", [*ANSWERED, *REFUSED], ids=" ".join)
def test_torch_is_not_imported(tmp_path, arguments):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    code = 2 if arguments in REFUSED else 0
    assert done.stderr.endswith(f"code {code}, torch False"), done.stderr
