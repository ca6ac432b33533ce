"""leaderboards/sweeps/gpu.sh: order, options, failures, and a whole trial on a CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "leaderboards" / "sweeps" / "gpu.sh"
METHODS = ["ce", "gce", "elr", "mentornet-pd", "co-teaching", "dividemix"]
RUNS = [("cifar100n-resnet18-short", method) for method in METHODS] + [("cifar100n-resnet34", "ce")]


@pytest.fixture
def gpu_script(tmp_path):
    """A function that runs the script with `command` in the place of lnlbench."""

    def call(command: str, *arguments: str, timeout: int = 30) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "lnlbench").write_text(f"#!/bin/sh\n{command}\n")
        (folder / "lnlbench").chmod(0o755)
        return subprocess.run(
            [SCRIPT, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
            check=False,
        )

    return call


def commands(output: str) -> list[list[str]]:
    return [line.split()[1:] for line in output.splitlines() if line.startswith("GIVEN")]


def test_the_cheapest_runs_come_first_and_each_is_compiled(gpu_script):
    done = gpu_script('echo GIVEN "$@"', "--output", "there")
    assert done.returncode == 0
    expected = [
        f"run --track {track} --method {method} --seed 0 --compile --output there".split()
        for track, method in RUNS
    ]
    assert commands(done.stdout) == expected


@pytest.mark.parametrize("device", [("--device", "cpu"), ("--device=cpu",)])
def test_a_trial_on_a_cpu_compiles_nothing(gpu_script, device):
    given = commands(gpu_script('echo GIVEN "$@"', "--epochs", "1", *device).stdout)
    assert len(given) == len(RUNS)
    assert all("--compile" not in command for command in given)


def test_a_run_that_fails_stops_no_other_and_is_named_at_the_end(gpu_script):
    fail_elr = 'echo GIVEN "$@"; case "$*" in *"--method elr"*) exit 1;; esac'
    done = gpu_script(fail_elr)
    assert len(commands(done.stdout)) == len(RUNS)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "  elr on cifar100n-resnet18-short"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_trial_on_a_cpu_keeps_every_result_and_repeats_none(gpu_script, tmp_path):
    lnlbench = f'exec {sys.executable} -m lnlbench "$@"'
    trial = ["--limit-train", "128", "--limit-test", "32", "--epochs", "1", "--device", "cpu"]
    digits = ["--dataset", "digits", "--noise", "symmetric:0.4"]  # no file has to be there
    arguments = [*trial, *digits, "--quiet", "--output", str(tmp_path / "there")]
    assert gpu_script(lnlbench, *arguments, timeout=600).returncode == 0
    files = sorted((tmp_path / "there" / "leaderboards" / "results").rglob("*.json"))
    results = [json.loads(file.read_text()) for file in files]
    assert sorted((each["track"], each["method"]["name"]) for each in results) == sorted(RUNS)
    assert {each["status"] for each in results} == {"done"}
    written = [file.stat().st_mtime_ns for file in files]
    assert gpu_script(lnlbench, *arguments, timeout=600).returncode == 0
    assert [file.stat().st_mtime_ns for file in files] == written
