"""Whether networks are compiled: the rule, by a clock and a device that are made for the test."""

from dataclasses import replace

import pytest
import torch
from tiny import short_spec
from torch import nn

from lnlbench.data import load_dataset
from lnlbench.errors import UsageError
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.runner import assemble, compilation
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.compilation import Compilation, TrialSteps, decide, decide_by_trial
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.options import RunOptions
from lnlbench.runner.prepare import prepare
from lnlbench.testing.small_runs import CPU

CUDA = torch.device("cuda")


class Machine:
    """A clock that only passes move: plain ones, the first compiled one, and later ones."""

    def __init__(self, monkeypatch, plain=0.02, first=20.0, later=0.005, error=None):
        self.now = 0.0
        self.compiled = 0
        self._seconds = plain, first, later
        self._error = error
        monkeypatch.setattr("lnlbench.networks.precision.run_compiled", self._run_compiled)

    def clock(self):
        return self.now

    def steps(self):
        machine = self

        class Body(nn.Linear):
            def forward(self, inputs):
                machine.now += machine._seconds[0]
                return super().forward(inputs)

        network = PreciseNetwork(Body(4, 3), "fp32", CPU)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        batch = torch.randn(8, 4), torch.randint(3, (8,))
        return TrialSteps(network, optimizer, batch, lambda: None, self.clock)

    def _run_compiled(self, body, inputs):
        if self._error is not None:
            raise self._error
        self.now += self._seconds[2 if self.compiled else 1]
        self.compiled += 1
        return nn.Linear.forward(body, inputs)


def test_networks_are_compiled_if_the_planned_steps_save_more_than_it_costs(monkeypatch):
    # Compiling costs 40 s, and a step saves 15 ms: 2,667 steps pay for it.
    assert not decide(2650, 1, Machine(monkeypatch, first=40.0).steps()).compiled
    found = decide(2700, 1, Machine(monkeypatch, first=40.0).steps())
    assert found.compiled
    assert "5.0 ms compiled, 20.0 ms otherwise" in found.reason
    assert "2,700 steps save 40.5 s" in found.reason


def test_each_network_has_to_pay_for_itself(monkeypatch):
    assert decide(3100, 1, Machine(monkeypatch, first=40.0).steps()).compiled
    found = decide(3100, 2, Machine(monkeypatch, first=40.0).steps())
    assert not found.compiled
    assert "compiling takes 80.0 s" in found.reason


def test_a_run_of_few_steps_is_not_made_longer_by_a_trial(monkeypatch):
    machine = Machine(monkeypatch)
    found = decide(100, 1, machine.steps())
    assert not found.compiled
    assert found.reason == "the steps take only 2.0 s"
    assert machine.compiled == 0


def test_networks_that_gain_nothing_are_not_compiled(monkeypatch):
    found = decide(10**6, 1, Machine(monkeypatch, later=0.021).steps())
    assert not found.compiled
    assert "save 0.0 s" in found.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UsageError("no compiler"), "no compiler"),
        (RuntimeError("out of memory\nmore"), "out of memory"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_network_that_cannot_be_compiled_runs_as_it_is(monkeypatch, error, reason):
    found = decide(10**6, 1, Machine(monkeypatch, error=error).steps())
    assert found == Compilation(False, f"compiling failed: {reason}")


def test_a_trial_that_fails_before_it_compiles_leaves_the_error_to_the_run(monkeypatch):
    steps = Machine(monkeypatch).steps()

    def fail():
        raise RuntimeError("out of memory\nmore")

    monkeypatch.setattr(steps, "seconds", fail)
    assert decide(10**6, 1, steps) == Compilation(False, "the trial failed: out of memory")


@pytest.fixture
def prepared():
    return prepare(short_spec(CrossEntropy, batch_size=32), load_dataset("digits"), CPU)


@pytest.mark.parametrize("device", [CPU, CUDA])
@pytest.mark.parametrize("asked", [True, False])
def test_the_choice_of_the_user_comes_before_any_trial(prepared, tmp_path, device, asked):
    on_device = replace(prepared, device=device)
    found = compilation.choose(asked, on_device, None, 1, tmp_path / "checkpoint.pt")
    assert found == Compilation(asked)


def test_a_cpu_compiles_nothing_by_default(prepared, tmp_path):
    found = compilation.choose(None, prepared, None, 1, tmp_path / "checkpoint.pt")
    assert found == Compilation(False)


def test_a_gpu_decides_by_a_trial_and_a_resumed_run_stays_as_it_was(
    prepared, tmp_path, monkeypatch
):
    trials = []

    def trial(*given):
        trials.append(given)
        return Compilation(True, "it pays")

    monkeypatch.setattr(compilation, "decide_by_trial", trial)
    on_gpu, file = replace(prepared, device=CUDA), tmp_path / "checkpoint.pt"
    assert compilation.choose(None, on_gpu, None, 1, file) == Compilation(True, "it pays")
    assert len(trials) == 1
    file.touch()
    for before in (
        Compilation(True, "it paid"),
        Compilation(False, "too short"),
        Compilation(True),
    ):
        environment = {"device": "H100, compiled" if before.compiled else "H100"}
        environment |= {"compilation": before.reason} if before.reason else {}
        monkeypatch.setattr(
            compilation, "load_checkpoint", lambda *_, saved=environment: {"environment": saved}
        )
        for device in (CUDA, CPU):
            on_device = replace(prepared, device=device)
            assert compilation.choose(None, on_device, None, 1, file) == before
    assert len(trials) == 1


def test_a_damaged_checkpoint_is_left_for_the_run_to_report(prepared, tmp_path):
    file = tmp_path / "checkpoint"
    file.write_bytes(b"not a checkpoint")
    on_gpu = replace(prepared, device=CUDA)
    assert compilation.choose(None, on_gpu, None, 1, file) == Compilation(False)


def test_a_trial_changes_no_random_stream_and_is_no_work_of_the_run(prepared):
    inputs = build_inputs(prepared, WeightSources())
    before = torch.get_rng_state()
    found = decide_by_trial(prepared, inputs, 1)
    assert "only" in found.reason
    assert torch.equal(torch.get_rng_state(), before)
    assert prepared.passes.take().with_gradients == 0


def test_a_batch_that_is_never_full_is_not_tried(prepared):
    spec = short_spec(CrossEntropy, batch_size=256)
    small = prepare(spec, load_dataset("digits"), CPU)
    assert "no batch" in decide_by_trial(small, None, 1).reason


def test_the_decision_stands_in_result_and_checkpoint(tmp_path, monkeypatch):
    sizes = []

    def run_compiled(body, inputs):
        sizes.append(len(inputs))
        return body(inputs)

    monkeypatch.setattr("lnlbench.networks.precision.run_compiled", run_compiled)
    monkeypatch.setattr(compilation, "choose", lambda *_: Compilation(True, "it pays"))
    spec = short_spec(CrossEntropy, batch_size=32)
    directory = RunDirectory.of_spec(tmp_path, spec)
    execution = assemble.assemble(
        spec, CrossEntropy, load_dataset("digits"), directory, QuietDisplay(), RunOptions()
    )
    assert execution.fit() == ("done", None)
    assert set(sizes) == {32}
    saved = load_checkpoint(directory.checkpoint_file, CPU)["environment"]
    assert saved["device"].endswith(", compiled")
    assert saved["compilation"] == execution.environment["compilation"] == "it pays"
