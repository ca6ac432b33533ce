"""What trains nothing answers without torch, whose import takes seconds."""

import json
import subprocess
import sys

import pytest
from cli import environment

from lnlbench.networks import BACKBONES, timm_names
from lnlbench.networks.kept import describe_backbone

ON_DIGITS = ("--method", "ce", "--track", "digits")
# Each command in a fork of a process that has imported what most of them need: seven times as quick
# as a process for each.
PROGRAM = """
import json, os, sys
import lnlbench.plugins, lnlbench.spec.expand
from lnlbench.cli import main
assert "torch" not in sys.modules
for number, arguments in enumerate(json.loads(sys.argv[1])):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    os.mkdir(str(number))
    os.chdir(str(number))
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.argv = ["lnlbench", *arguments]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    sys.stderr.write(f"code {code}, torch {'torch' in sys.modules}")
    sys.stderr.flush()
    os._exit(0)
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
    ("datasets",),
    ("datasets", "show", "cifar100n"),
    ("backbones",),
    ("methods",),
    ("methods", "show", "dividemix"),
    ("plugins",),
    ("run", *ON_DIGITS, "--print-spec"),
    ("sweep", "--method", "all", "--track", "digits", "--seeds", "2", "--dry-run"),
    ("sweep", "--method", "all", "--track", "cifar100n-embedding", "--dry-run"),
    ("plan", *ON_DIGITS, "--seeds", "2"),
]
REFUSED = [
    ("run",),
    ("run", *ON_DIGITS, "--seed", "1", "--seeds", "2"),
    ("run", *ON_DIGITS, "--seeds", "many"),
    ("run", *ON_DIGITS, "--epochs", "0"),
    ("run", *ON_DIGITS, "--noise", "symetric:0.4"),
    ("run", *ON_DIGITS, "--set", "lambda_u"),
    ("run", "--method", "ce", "--track", "digit"),
    ("run", "--method", "cee", "--track", "digits"),
    ("run", *ON_DIGITS, "--recipe", "natve"),
    ("run", *ON_DIGITS, "--set", "lambda_u=25"),
    ("run", *ON_DIGITS, "--backbone", "timm:resnet1888"),
    ("run", "--method", "co-teaching", "--track", "digits", "--set", "forget_rate=2"),
    ("run", "--method", "mentornet-dd", "--track", "digits", "--set", "burn_in=1"),
    ("run", "--resume", "nowhere"),
    ("run", "--spec", "missing.json"),
    ("sweep", "--method", "ce"),
    ("sweep", "missing.toml"),
    ("sweep", *ON_DIGITS, "--override", "epoch=3"),
    ("sweep", *ON_DIGITS, "--time-limit", "soon"),
    ("sweep", *ON_DIGITS, "--device", "cuda:99"),
    ("sweep", *ON_DIGITS, "--device", "gpu"),
    ("methods", "show", "cee"),
    ("datasets", "show", "cifar"),
    ("plan", "--method", "ce", "--track", "digit"),
    ("tune", "--method", "ce", "--track", "digit"),
    ("status", "nowhere"),
    ("bench", "--track", "digit"),
    ("embed", "--track", "digit"),
    ("tracks", "show", "digit"),
    ("leaderboard", "--check"),
    ("export", "nowhere", "--output", "model"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache in which earlier commands have kept what plugins and networks are."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNLBENCH_CACHE_DIR", str(folder))
        # This process has imported modules of other tests, whose files do not last.
        command = [sys.executable, "-m", "lnlbench", "methods"]
        given = environment(LNLBENCH_CACHE_DIR=folder)
        subprocess.run(command, env=given, check=True, capture_output=True)
        timm_names._names.cache_clear()  # an earlier test may have asked, with another cache
        timm_names.check_timm("resnet18")
        for name in BACKBONES:
            describe_backbone(name)
    return str(folder)


@pytest.fixture(scope="module")
def said(cache, tmp_path_factory):
    """What each command wrote to standard error, with its exit code and its verdict at the end."""
    folder = tmp_path_factory.mktemp("said")
    commands = [*ANSWERED, *REFUSED]
    program = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    given = environment(LNLBENCH_CACHE_DIR=cache)
    subprocess.run(program, cwd=folder, env=given, check=True)
    return {each: (folder / str(at) / "err").read_text() for at, each in enumerate(commands)}


@pytest.mark.parametrize("arguments", [*ANSWERED, *REFUSED], ids=" ".join)
def test_torch_is_not_imported(said, arguments):
    code = 2 if arguments in REFUSED else 0
    assert said[arguments].endswith(f"code {code}, torch False"), said[arguments]
