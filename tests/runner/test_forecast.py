"""How long a run takes is said before it starts, or after its first steps; the clock is fake."""

import dataclasses

import pytest
from tiny import short_spec

from lnlbench.data import load_dataset
from lnlbench.networks.passes import Passes
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.runner import forecast
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions

SECONDS_PER_PASS = 0.02


class Clock:
    """Time that passes only while samples pass through networks."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock, add = Clock(), Passes.add

    def counted(self, samples, gradients):
        clock.now += samples * (3 if gradients else 1) * SECONDS_PER_PASS
        add(self, samples, gradients)

    monkeypatch.setattr(Passes, "add", counted)
    monkeypatch.setattr(forecast, "time", clock)
    return clock


@dataclasses.dataclass
class Heard(QuietDisplay):
    """Notes forecasts and the number of epochs that had ended before each."""

    said: list = dataclasses.field(default_factory=list)
    epochs: int = 0

    def forecast(self, seconds, text):
        self.said.append((seconds, text, self.epochs))

    def epoch(self, report):
        self.epochs += 1


def run(folder, name, seed=0, **overrides):
    """Execute a short run; returns what its display heard."""
    plugins, heard = load_plugins(), Heard()
    spec = short_spec(plugins.method(name), seed, **overrides)
    store = ResultStore(folder / "leaderboards")
    directory = RunDirectory.of_spec(folder, spec)
    method, origin = plugins.method(name), plugins.origins[name]
    options = RunOptions(earlier=store)
    data = load_dataset("digits")
    store.save(execute(spec, method, origin, data, directory, heard, options))
    return heard


def test_the_first_steps_of_ten_epochs_tell_their_time_within_a_factor_of_1_5(clock, tmp_path):
    began = clock.now
    heard = run(tmp_path, "ce", epochs=10, limit_train=600, batch_size=16)
    [(seconds, text, epochs)] = heard.said
    assert epochs == 0, "it is said within the first epoch"
    assert 1 / 1.5 < seconds / (clock.now - began) < 1.5
    assert text.startswith("10 epochs take about") and "from its first steps" in text


def test_work_that_nobody_recorded_is_a_least_time_and_recorded_work_is_the_time(clock, tmp_path):
    short = {"limit_train": 300, "batch_size": 16, "epochs": 4, "validation": 0.1}
    began = clock.now
    [(least, text, _)] = run(tmp_path, "co-teaching", **short).said
    assert "at least" in text
    assert least <= 1.05 * (clock.now - began)
    began = clock.now
    [(seconds, text, _)] = run(tmp_path, "co-teaching", **{**short, "limit_train": 360}).said
    assert "about" in text
    assert 1 / 1.5 < seconds / (clock.now - began) < 1.5


def test_an_earlier_run_on_this_hardware_tells_the_time_before_the_first_step(tmp_path):
    run(tmp_path, "ce")
    [(seconds, text, epochs)] = run(tmp_path, "ce", seed=1).said
    [first] = [r for r in ResultStore(tmp_path / "leaderboards").load_all()[0] if r.seed == 0]
    assert (seconds, epochs) == (pytest.approx(first.cost.wall_seconds), 0)
    assert "as earlier runs took on this hardware" in text


def test_many_files_of_other_protocols_do_not_hide_the_earlier_run(tmp_path):
    for seed in range(6):
        run(tmp_path, "ce", seed=seed, batch_size=64)
    run(tmp_path, "ce", seed=8)
    [(_, text, _)] = run(tmp_path, "ce", seed=9).said
    assert "as earlier runs took on this hardware" in text


def test_other_hardware_tells_nothing(tmp_path, monkeypatch):
    run(tmp_path, "ce")
    monkeypatch.setattr(forecast, "hardware_name", lambda device, compiled: "NVIDIA H100")
    assert run(tmp_path, "ce", seed=1).said == []


def test_a_run_of_hours_on_a_cpu_names_what_takes_minutes(clock, tmp_path, monkeypatch):
    monkeypatch.setattr(forecast, "LONG_SECONDS", 10.0)
    [(_, text, _)] = run(tmp_path, "ce", epochs=10, limit_train=600, batch_size=16).said
    for option in ("--track cifar100n-embedding", "--epochs 1 --limit-train"):
        assert option in text
    assert "--track digits" not in text, "this run is on digits already"
