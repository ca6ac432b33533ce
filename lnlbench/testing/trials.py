"""Short runs of a method on data that a check has made; the same code executes all runs."""

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lnlbench.data.access import announce_reading
from lnlbench.data.dataset import Dataset
from lnlbench.data.digits import load_digits_dataset
from lnlbench.data.image_files import read_rows
from lnlbench.errors import Interrupted
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.noise import apply_noise
from lnlbench.plugins import Origin
from lnlbench.results import Result
from lnlbench.runner.assemble import assemble
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import EpochReport, QuietDisplay
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec
from lnlbench.system.global_state import changes_undone
from lnlbench.system.temporary import temporary_folder
from lnlbench.testing.phases import Reached

_ORIGIN = Origin("under-test", "0", "check")
_STOPPED = "stopped by the check"


@dataclass
class Trial:
    """A run that has ended: its result, the method at its end, and normalized test images."""

    result: Result
    method: Method
    images: Tensor
    traceback: str
    changed: Mapping[str, tuple[Any, Any]]  # changed settings of the process, now restored

    @property
    def done(self) -> bool:
        """Whether the run is done."""
        return self.result.status == "done"

    @property
    def problem(self) -> str:
        """Why the run is not done, with the last lines of the traceback if there is one."""
        reason = (self.result.error or "").partition(" (traceback in ")[0]
        # Python underlines the faulty part of a line by a line of such marks.
        lines = [line.strip() for line in self.traceback.splitlines() if line.strip(" ^~")]
        return f"{reason} [{' | '.join(lines[-4:-1])}]" if lines else reason

    def predict(self, images: Tensor) -> Tensor:
        """What the runner would get for these images."""
        for network in self.method.trained_networks():
            network.eval()
        with torch.inference_mode():
            return self.method.predict(images)


@dataclass
class Watch(QuietDisplay):
    """Stops a run at an epoch's first step or at its end; notes the states of random streams."""

    stop_in: int | None = None
    stop_after: int | None = None
    steps: int = 0
    states: list[tuple[str, ...]] = field(default_factory=list)

    def step(self, run: Run, seconds: float) -> None:
        """Count steps, and stop at the chosen one."""
        self.steps += 1
        if run.epoch == self.stop_in and run.steps == 1:
            raise Interrupted(_STOPPED)

    def epoch(self, report: EpochReport) -> None:
        """Note the states of the global random streams, and stop at the chosen epoch."""
        self.states.append(_stream_states())
        if report.epoch == self.stop_after:
            raise Interrupted(_STOPPED)


def _stream_states() -> tuple[str, ...]:
    import random

    import numpy as np

    states = (random.getstate(), np.random.get_state(legacy=True), torch.get_rng_state().tolist())
    return tuple(hashlib.sha256(_text(state)).hexdigest() for state in states)


def _text(state: Any) -> bytes:
    # The repr of a long array leaves out its middle, so use all bytes.
    plain = [part.tolist() if hasattr(part, "tolist") else part for part in state]
    return repr(plain).encode()


class Trials:
    """Runs of one method with its quick parameters and the given ones, each in its own folder."""

    def __init__(self, method: type[Method], params: Mapping[str, Any]) -> None:
        self.method = method
        self.params = {**method.quick_params, **params}
        self.reached = Reached(method)

    def run(
        self,
        dataset: Dataset,
        *,
        seed: int = 0,
        watch: Watch | None = None,
        method: type[Method] | None = None,
        folder: Path | None = None,
        timed: bool = False,
        **protocol: Any,
    ) -> Trial:
        """One run, either on the labels that the data set came with, or with `noise`.

        The protocol is that of the track digits, with 2 epochs and no validation. This resumes an
        interrupted run in `folder`. Unless the run is `timed`, it notes which lines of the method
        ran; this takes time.

        Raises:
            Interrupted: the user sent a signal.
        """
        if folder is None:
            with temporary_folder("lnlbench-check-") as fresh:
                return self.run(
                    dataset,
                    seed=seed,
                    watch=watch,
                    method=method,
                    folder=fresh,
                    timed=timed,
                    **protocol,
                )
        method = method or self.method
        settings = {"epochs": 2, "noise": "given", **protocol}
        spec = build_spec(method, "digits", overrides=settings, params=self.params, seed=seed)
        directory = RunDirectory.of_spec(folder, spec)
        execution = assemble(spec, method, dataset, directory, watch or Watch(), RunOptions())
        # Settings that the method changes must not spoil the other checks.
        watching = nullcontext() if timed else self.reached.watching()
        with changes_undone() as changed, watching:
            result = execution.run(_ORIGIN)
        if result.status == "interrupted" and result.error != _STOPPED:
            raise Interrupted(result.error)
        error = directory.error_file
        return Trial(
            result=result,
            method=execution.method,
            images=execution.inputs.test.plain(0, min(12, len(dataset.test_labels))),
            traceback=error.read_text(encoding="utf-8") if error.exists() else "",
            changed=changed,
        )


def digits(samples: int | None = None) -> Dataset:
    """The digits, or some of them, with 40 % instance-dependent noise as their given labels."""
    announce_reading("digits")  # the copy below is kept in memory, but must count as reading
    whole, noisy = _noisy_digits()
    chosen = slice(samples)
    tests = slice(None if samples is None else 100)
    # A method that writes into its data must not change those of the next run.
    return replace(
        whole,
        train_images=read_rows(whole.train_images, chosen).clone(),
        train_labels=whole.train_labels[chosen].clone(),
        test_images=read_rows(whole.test_images, tests).clone(),
        test_labels=whole.test_labels[tests].clone(),
        human_labels={"given": noisy[chosen].clone()},
    )


@cache
def _noisy_digits() -> tuple[Dataset, Tensor]:
    whole = load_digits_dataset()
    return whole, apply_noise("instance:0.4", whole, 0).labels
