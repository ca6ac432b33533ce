"""Time what comes before a run's first step, in processes of their own, as a user starts them.

python docs/notebook/time_start_up.py --track cifar100n-scratch --repeats 5 --output start-up.json
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from time_pieces import Piece, deliver, parser

from lnlbench.runner.devices import resolve_device

# A process executes a run's command line up to the first step, prints its seconds, and ends.
_TO_FIRST_STEP = """
import os, sys, time
import torch
began = time.perf_counter()
from unittest.mock import patch
from lnlbench.cli import main
from lnlbench.interface.run import Run

def step(run, loss, optimizer):
    sys.stdout.write(f"{time.perf_counter() - began}\\n")
    sys.stdout.flush()
    os._exit(0)

with patch.object(Run, "step", step):
    main()
"""


# They train nothing, and answer without torch.
QUICK = (
    "--help",
    "methods",
    "plan --track digits --method ce",
    "run --track digits --method cee",
)


def time_start_up(track: str, device: str, repeats: int) -> list[Piece]:
    """Time commands that train nothing, and a run on a track from torch's import to its first step.

    The commands get the processor time of their processes, which other programs disturb less.
    """
    # The first of each fills caches, and is not counted.
    answers = {command: _seconds(command, repeats + 1)[1:] for command in QUICK}
    first_steps = []
    for _ in range(repeats + 1):
        with TemporaryDirectory() as folder:
            run = ["run", "--method", "ce", "--track", track, "--device", device, "--quiet"]
            printed = _output(["-c", _TO_FIRST_STEP, *run, "--output", folder])
        first_steps.append(float(printed.split()[-1]))
    first_step = f"import of torch to the first step on {track}"
    return [
        *(
            Piece(f"lnlbench {command}", statistics.median(seconds), "s of processor", repeats)
            for command, seconds in answers.items()
        ),
        Piece(first_step, statistics.median(first_steps[1:]), "s", repeats),
    ]


def _seconds(command: str, repeats: int) -> list[float]:
    """The processor time of each of several calls, whether they are refused or not."""
    found = []
    for _ in range(repeats):
        began = os.times()
        with TemporaryDirectory() as folder:
            program = [sys.executable, "-m", "lnlbench", *command.split()]
            subprocess.run(program, cwd=folder, capture_output=True)
        ended = os.times()
        found.append(ended.children_user + ended.children_system)
        found[-1] -= began.children_user + began.children_system
    return found


def _output(arguments: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> None:
    """Time the start of runs as the command line says."""
    options = argparse.ArgumentParser(description=__doc__, parents=[parser()])
    options.add_argument("--track", default="cifar100n-scratch")
    given = options.parse_args(arguments)
    device = resolve_device(given.device)
    deliver(time_start_up(given.track, given.device, given.repeats), device, given.output)


if __name__ == "__main__":
    main()
