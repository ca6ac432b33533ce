"""Devices, and the memory and time that a result states."""

import mmap
import time
import weakref
from pathlib import Path

import pytest
import torch
from tiny import run_short

from lnlbench.errors import UsageError
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.runner import assemble
from lnlbench.runner.devices import resolve_device
from lnlbench.system.memory import peak_memory_bytes, reset_peak_memory
from lnlbench.testing.small_runs import CPU

MEGABYTE = 1 << 20


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux resets a peak")
def test_a_run_does_not_inherit_the_peak_of_an_earlier_one():
    reset_peak_memory(CPU)
    before = peak_memory_bytes(CPU)
    # Mapped, not allocated: an allocator may serve 100 MiB out of what an earlier test has freed.
    with mmap.mmap(-1, 100 * MEGABYTE) as fresh:
        fresh[:: mmap.PAGESIZE] = bytes(len(fresh) // mmap.PAGESIZE)
    after = peak_memory_bytes(CPU)
    assert after >= before + 90 * MEGABYTE
    reset_peak_memory(CPU)
    assert peak_memory_bytes(CPU) <= after - 60 * MEGABYTE


@pytest.mark.parametrize("name", ["banana", "cuda:99", "mps"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(UsageError, match=r"cpu"):
        resolve_device(name)


def test_auto_is_a_device_of_this_machine():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto").type == expected


def test_a_second_run_begins_without_the_arrays_of_the_first(tmp_path, monkeypatch):
    images = []
    counts = []
    original = assemble.prepare

    def prepare(*given):
        counts.append(sum(each() is not None for each in images))
        prepared = original(*given)
        images.append(weakref.ref(prepared.split.training.images))
        return prepared

    monkeypatch.setattr(assemble, "prepare", prepare)
    for seed in range(3):
        run_short("ce", tmp_path, seed=seed)
    assert counts == [0, 0, 0]


def test_what_a_method_does_before_its_first_epoch_counts_as_time(tmp_path, monkeypatch):
    original = CrossEntropy.fit

    def fit(self, run):
        time.sleep(1)
        original(self, run)

    monkeypatch.setattr(CrossEntropy, "fit", fit)
    cost = run_short("ce", tmp_path).cost
    assert cost.wall_seconds > 1 + cost.train_seconds / 2
