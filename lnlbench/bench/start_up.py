"""Timing what comes before a run's first step, in processes of their own, as a user starts them."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from unittest.mock import patch

from torch import Tensor
from torch.optim import Optimizer

from lnlbench.bench.pieces import Piece
from lnlbench.errors import RunError
from lnlbench.interface.run import Run
from lnlbench.tracks import load_track

_TO_FIRST_STEP = """
import time
import torch
began = time.perf_counter()
from lnlbench.bench.start_up import end_at_first_step
from lnlbench.cli import main
end_at_first_step(main, began)
"""


def time_start_up(track: str, device: str, repeats: int) -> list[Piece]:
    """Time `lnlbench --help`, and a run on a track from the import of torch to its first step.

    Raises:
        UsageError: no such track.
        RunError: such a run could not be executed; it says why.
    """
    load_track(track)
    help_seconds, first_steps = [], []
    # The first of each fills caches, and is not counted.
    for _ in range(repeats + 1):
        began = time.perf_counter()
        _output(["-m", "lnlbench", "--help"])
        help_seconds.append(time.perf_counter() - began)
        with TemporaryDirectory() as folder:
            run = ["run", "--method", "ce", "--track", track, "--device", device, "--quiet"]
            printed = _output(["-c", _TO_FIRST_STEP, *run, "--output", folder])
        first_steps.append(float(printed.split()[-1]))
    first_step = f"import of torch to the first step on {track}"
    return [
        Piece("lnlbench --help", statistics.median(help_seconds[1:]), "s", repeats),
        Piece(first_step, statistics.median(first_steps[1:]), "s", repeats),
    ]


def end_at_first_step(main: Callable[[], None], began: float) -> None:
    """Execute the command line of this process by `main`, to the first step of its run, and end.

    Prints the seconds since `began`, a value of `time.perf_counter`.
    """

    def step(run: Run, loss: Tensor, optimizer: Optimizer) -> None:
        sys.stdout.write(f"{time.perf_counter() - began}\n")
        sys.stdout.flush()
        os._exit(0)

    with patch.object(Run, "step", step):
        main()


def _output(arguments: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RunError(done.stderr.strip().removeprefix("Error: ") or f"exit {done.returncode}")
    return done.stdout
