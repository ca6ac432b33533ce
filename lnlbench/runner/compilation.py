"""Decide once, before a run's first epoch, whether to compile its networks.

On CUDA, a short trial measures how long compiling takes and what it saves at each step. On other
devices, lnlbench compiles networks only if the user asks for it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.augment.blocks import plain_batches
from lnlbench.errors import RunError, UsageError
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.devices import wait_for, was_compiled
from lnlbench.runner.inputs import Inputs
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.prepare import Prepared, compiled_batches
from lnlbench.seeds import global_streams_kept
from lnlbench.system.text import duration, first_line

# Each network takes 10 to 40 seconds to compile, so fewer seconds of steps cannot pay for it.
WORTH_A_TRIAL = 30.0
_WARM_UP, _TIMED = 3, 20  # steps; a CUDA graph is recorded within the first three


@dataclass(frozen=True)
class Compilation:
    """Whether networks are compiled; `reason` says why if lnlbench has decided it."""

    compiled: bool
    reason: str = ""


class Steps(Protocol):
    """Training steps of a network that is thrown away afterwards."""

    def seconds(self) -> float:
        """The time of one step."""
        ...

    def compile(self) -> float:
        """Compile the network, and return how many seconds it took; later steps run compiled.

        Raises:
            UsageError: this machine or network cannot be compiled.
        """
        ...


def choose(
    asked: bool | None, prepared: Prepared, inputs: Inputs, networks: int, checkpoint: Path
) -> Compilation:
    """The user's choice; without it, a resumed run stays as it was, and a new run has a trial.

    If the file `checkpoint` exists, the run resumes. On a CPU there is no trial.
    """
    if asked is not None:
        return Compilation(asked)
    if checkpoint.exists():
        try:
            saved = load_checkpoint(checkpoint, prepared.device)
        except RunError:
            return Compilation(False)  # the run loads it again, and its result says what is wrong
        return _chosen_before(saved["environment"])
    if prepared.device.type != "cuda":
        return Compilation(False)
    return decide_by_trial(prepared, inputs, networks)


def apply(choice: Compilation, prepared: Prepared, inputs: Inputs) -> tuple[Prepared, Inputs]:
    """The run with this choice put into effect."""
    prepared = replace(prepared, compiled=choice.compiled, compilation=choice.reason)
    if choice.compiled:
        unit = compiled_batches(prepared.spec.protocol)
        inputs = replace(inputs, build_network=partial(_compiling, inputs.build_network, unit))
    return prepared, inputs


def _compiling(build_network: Callable[[], nn.Module], unit: int) -> nn.Module:
    network = build_network()
    assert isinstance(network, PreciseNetwork)
    network.compiled_batches = unit
    return network


def _chosen_before(environment: Mapping[str, Any]) -> Compilation:
    return Compilation(was_compiled(environment), str(environment.get("compilation", "")))


def decide(planned: int, networks: int, steps: Steps) -> Compilation:
    """Compile if the time that the planned steps save is longer than compiling takes.

    `planned` counts the steps of all networks, and each network is compiled for itself.
    """
    try:
        plain = steps.seconds()
    except (UsageError, RuntimeError) as error:
        # The run itself will fail in the same way, and its result then says why.
        return Compilation(False, f"the trial failed: {first_line(error)[:200]}")
    if planned * plain < WORTH_A_TRIAL * networks:
        return Compilation(False, f"the steps take only {duration(planned * plain)}")
    try:
        cost = steps.compile() * networks
        compiled = steps.seconds()
    except (UsageError, RuntimeError) as error:
        return Compilation(False, f"compiling failed: {first_line(error)[:200]}")
    saved = planned * (plain - compiled)
    times = f"a step takes {1e3 * compiled:.1f} ms compiled, {1e3 * plain:.1f} ms otherwise"
    bill = f"compiling takes {duration(cost)}, and {planned:,} steps save"
    if saved <= cost:
        return Compilation(False, f"{times}; {bill} {duration(max(0.0, saved))}")
    return Compilation(True, f"{times}; {bill} {duration(saved)}")


class TrialSteps:
    """Steps on one batch; `clock` times them, and `wait` waits until the device has finished."""

    def __init__(
        self,
        network: PreciseNetwork,
        optimizer: torch.optim.Optimizer,
        batch: tuple[Tensor, Tensor],
        wait: Callable[[], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._network, self._optimizer, self._batch = network.train(), optimizer, batch
        self._wait, self._clock = wait, clock

    def seconds(self) -> float:
        """The time of one step, after some steps that are not timed."""
        self._run(_WARM_UP)
        return self._run(_TIMED) / _TIMED

    def compile(self) -> float:
        """The seconds that the first compiled steps take longer than later ones."""
        self._network.compiled_batches = len(self._batch[0])
        return max(0.0, self._run(_WARM_UP) - self._run(_WARM_UP))

    def _run(self, count: int) -> float:
        inputs, labels = self._batch
        self._wait()
        began = self._clock()
        for _ in range(count):
            self._optimizer.zero_grad(set_to_none=True)
            cross_entropy(self._network(inputs), labels).backward()
            self._optimizer.step()
        self._wait()
        return self._clock() - began


def decide_by_trial(prepared: Prepared, inputs: Inputs, networks: int) -> Compilation:
    """Make a network of the run, let it take some steps on the first batch, and decide.

    This changes no random stream, and throws the network away.
    """
    protocol, device = prepared.spec.protocol, prepared.device
    samples, size = len(prepared.split.clean_labels), protocol.batch_size
    if samples < size or size % compiled_batches(protocol):
        return Compilation(False, "no batch has the size that would be compiled")
    with global_streams_kept():
        network = inputs.build_network()
        assert isinstance(network, PreciseNetwork)
        batch = next(plain_batches(inputs.training, samples, size))
        labels = prepared.split.training.labels[:size].to(device)
        steps = TrialSteps(
            network, build_optimizer(network, protocol), (batch, labels), lambda: wait_for(device)
        )
        planned = protocol.epochs * -(-samples // size) * networks
        found = decide(planned, networks, steps)
    prepared.passes.take()  # the trial's passes do not count as work of the run
    return found
