"""Killed and stopped runs: what is kept, what is said, and that they go on as if undisturbed.

Runs that are compared with each other are all forked with one thread, so that equal means equal.
"""

import json
import re
import shlex
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from cli import (
    SMALL,
    directory_of,
    essence,
    run_process,
    start_forked,
    start_process,
    stored,
    temporary_files,
)
from plugin_zoo import install

from lnlbench.errors import EXIT_HELD
from lnlbench.results import ResultStore

KILLS = 5
LIMITS = ("--track", "digits", "--limit-train", "300", "--limit-test", "100")
CE = ("run", "--method", "ce", *LIMITS, "--epochs", "10")
DIVIDEMIX = (
    *("run", "--method", "dividemix", *LIMITS, "--epochs", "8"),
    *("--set", "warmup_epochs=1", "--set", "rampup_epochs=2", "--set", "loss_history=3"),
)
TRAINING = "epochs"  # in the line that a run prints as its training begins
ONE_EPOCH = "epoch 1/"
AN_EPOCH = re.compile(r"epoch \d+/")


@dataclass(frozen=True)
class Chain:
    """An undisturbed run, and a run that was killed and resumed KILLS times."""

    expected: dict
    found: dict
    codes: list[int]
    last: str
    folder: Path


def _kill_and_go_on(arguments, folder):
    calm = start_forked(*arguments, folder=folder / "calm").finish()
    assert calm.code == 0, calm
    expected = stored(folder / "calm")
    epoch_seconds = expected["cost"]["wall_seconds"] / len(expected["curves"]["loss"])
    random = Random(f"kill {arguments}")
    disturbed = folder / "disturbed"
    codes = []
    for number in range(KILLS):
        running = start_forked(*arguments, folder=disturbed)
        # Kill first after a checkpoint, so that there is a state to resume; later at any moment.
        running.wait_for(TRAINING if number else ONE_EPOCH)
        deadline = time.monotonic() + random.uniform(0, 1.3 * epoch_seconds)
        begun = len(AN_EPOCH.findall(running.read("out")))
        # Epochs may be faster than those of the calm run, and no run may come to its end.
        while time.monotonic() < deadline and len(AN_EPOCH.findall(running.read("out"))) <= begun:
            time.sleep(0.005)
        running.signal(signal.SIGKILL)
        codes.append(running.finish().code)
    last = start_forked(*arguments, folder=disturbed).finish()
    assert last.code == 0, last
    return Chain(expected, stored(disturbed), codes, last.out, disturbed)


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    requests = {"ce": CE, "dividemix": DIVIDEMIX}
    with ThreadPoolExecutor(len(requests)) as pool:
        running = {
            method: pool.submit(_kill_and_go_on, arguments, tmp_path_factory.mktemp(method))
            for method, arguments in requests.items()
        }
        return {method: chain.result() for method, chain in running.items()}


@pytest.mark.parametrize("method", ["ce", "dividemix"])
def test_a_run_killed_five_times_ends_as_if_it_had_not_been(chains, method):
    chain = chains[method]
    assert chain.codes == [-signal.SIGKILL] * KILLS
    assert "resumed at epoch" in chain.last
    assert chain.found["curves"] == chain.expected["curves"]
    assert chain.found["scores"] == chain.expected["scores"]
    assert essence(chain.found) == essence(chain.expected)
    assert chain.found["status"] == "done"
    results, bad = ResultStore(chain.folder / "leaderboards").load_all()
    assert (len(results), bad) == (1, [])
    if method == "dividemix":  # a run without selection would prove little
        assert any(value is not None for value in chain.found["curves"]["clean_auroc"])


@pytest.fixture(scope="module")
def expected_ce(chains):
    return essence(chains["ce"].expected)


def resume_command(text):
    """The arguments of the command that a message gives for going on."""
    [found] = re.findall(r"lnlbench (run --resume .+)$", text, re.MULTILINE)
    return shlex.split(found)


@pytest.mark.parametrize(("name", "start"), [("SIGINT", start_process), ("SIGTERM", start_forked)])
def test_a_signal_stops_a_run_that_can_be_gone_on_with(tmp_path, expected_ce, name, start):
    # A space in the path: what is printed must still be a command.
    folder = tmp_path / "my runs"
    running = start(*CE, "--output", folder, "--no-compile", folder=tmp_path)
    running.wait_for(ONE_EPOCH)
    running.signal(signal.Signals[name])
    outcome = running.finish()
    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    assert f"interrupted, stopped by {name}" in outcome.out
    kept = json.loads(directory_of(folder).result_file.read_text())
    assert (kept["status"], kept["error"]) == ("interrupted", f"stopped by {name}")
    assert not (folder / "leaderboards").exists()

    command = resume_command(outcome.out)
    assert command[-1] == "--no-compile"
    again = start_forked(*command, folder=tmp_path / "again").finish()
    assert again.code == 0, again
    assert "resumed at epoch" in again.out
    assert essence(stored(folder)) == expected_ce
    assert not temporary_files(folder)


def test_two_signals_at_once_leave_a_run_that_can_be_gone_on_with(tmp_path, expected_ce):
    running = start_forked(*CE, folder=tmp_path)
    running.wait_for(ONE_EPOCH)
    running.signal(signal.SIGINT)
    running.signal(signal.SIGINT)
    outcome = running.finish()
    assert outcome.code in (1, 130)
    assert "Traceback" not in outcome.err
    assert start_forked(*CE, folder=tmp_path).finish().code == 0
    assert essence(stored(tmp_path)) == expected_ce


SLOW = """
import time
import lnlbench

class Slow(lnlbench.LossMethod):
    name = "slow"
    reference = "Nobody (2026): a step that takes a minute"

    def loss(self, network, batch, epoch):
        time.sleep(60)
        return network(batch.views[0]).sum()

@lnlbench.hookimpl
def register_methods():
    return [Slow]
"""


@pytest.fixture
def site(tmp_path):
    """An empty folder for plugins, to be put on PYTHONPATH."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def test_a_run_holds_its_directory_and_a_second_signal_does_not_wait(tmp_path, site):
    install(site, "lnlbench-slow", SLOW)
    arguments = ("run", "--method", "slow", *SMALL)
    running = start_process(*arguments, folder=tmp_path / "work", PYTHONPATH=str(site))
    running.wait_for(TRAINING)
    second = run_process(*arguments, cwd=tmp_path / "work", PYTHONPATH=str(site))
    assert second.code == EXIT_HELD
    assert "is in use: another process executes this run" in second.err
    assert "Traceback" not in second.err
    running.signal(signal.SIGINT)
    time.sleep(0.5)
    assert running.read("out").count("interrupted") == 0, "the step was not waited for"
    running.signal(signal.SIGINT)
    outcome = running.finish(seconds=10)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    with directory_of(tmp_path / "work").locked():
        pass
