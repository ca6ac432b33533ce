"""Freed memory stays in the process, is cleared once, and is returned when a run begins."""

import os
import subprocess
import sys

import pytest

from lnlbench.system import freed_memory
from lnlbench.system.freed_memory import keep_freed_memory, page_faults, return_freed_memory

GLIBC = freed_memory._glibc() is not None
needs_glibc = pytest.mark.skipif(not GLIBC, reason="only glibc has this allocator")

# Ten times: take 64 MiB, write to each page, and free them. The settings hold for a whole process.
PROGRAM = """
import ctypes, sys
from lnlbench.system import freed_memory
libc, size = ctypes.CDLL(None), 64 << 20
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

def step():
    block = libc.malloc(size)
    libc.memset(block, 1, size)
    libc.free(block)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

kept = sys.argv[1] == "keep" and freed_memory.keep_freed_memory()
step()
before = freed_memory.page_faults()
for _ in range(10):
    step()
faults = (freed_memory.page_faults() - before) / 10
held = resident()
freed_memory.return_freed_memory()
print(kept, faults, held - resident())
"""


def ten_steps(word, **variables):
    """Whether memory was kept; faults a step; bytes that `return_freed_memory` has returned."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "GLIBC_TUNABLES" and not name.startswith("MALLOC_")
    }
    command = [sys.executable, "-c", PROGRAM, word]
    output = subprocess.check_output(command, env=inherited | variables, text=True)
    kept, faults, returned = output.split()
    return kept == "True", float(faults), int(returned)


@needs_glibc
def test_kept_memory_is_cleared_once_and_not_at_each_step():
    pages = (64 << 20) / os.sysconf("SC_PAGE_SIZE")
    kept, faults, _ = ten_steps("keep")
    assert kept
    assert faults < pages / 100
    kept, faults, _ = ten_steps("leave")
    assert not kept
    assert faults > pages / 2, "without it, this program has the faults that it must not have"


@needs_glibc
def test_kept_memory_can_be_returned():
    _, _, returned = ten_steps("keep")
    assert returned > 60 << 20


@needs_glibc
@pytest.mark.parametrize(
    "variables",
    [{"MALLOC_TRIM_THRESHOLD_": "131072"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_max=65536"}],
)
def test_an_allocator_that_the_user_has_set_is_left_alone(variables):
    kept, faults, _ = ten_steps("keep", **variables)
    assert not kept
    assert faults > 1000


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_left_alone(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert not keep_freed_memory()
    return_freed_memory()


def test_a_linux_without_glibc_is_left_alone(monkeypatch):
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    assert not keep_freed_memory()
    return_freed_memory()


def test_faults_are_zero_where_they_are_not_counted(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert page_faults() == 0
