"""Memory of a streamed run by the number of its files: `pytest -m slow -s` with this file.

Prints the peaks of the run and of the processes that read for it, in MiB.
"""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cli import PACKAGE, command, environment, stored
from PIL import Image
from plugin_zoo import install_package

CLASSES, TEST = 10, 1000
FEW, MANY = 10_000, 100_000
PIXELS = 32
MIB = 1 << 20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc"),
]


@dataclass
class Peaks:
    """The most that was resident: of the run, of one of its workers, and of all without doubles."""

    run: int = 0
    worker: int = 0
    all: int = 0

    def look(self, pid: int) -> None:
        """Take note of what a process and its workers have now."""
        with suppress(OSError, StopIteration):
            self.run = max(self.run, _size(pid, "status", "VmHWM:"))
            total = _size(pid, "smaps_rollup", "Pss:")
            workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for worker in workers:
                with suppress(OSError, StopIteration):
                    self.worker = max(self.worker, _size(worker, "status", "VmHWM:"))
                    total += _size(worker, "smaps_rollup", "Pss:")
            self.all = max(self.all, total)


def _size(pid, file, name):
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def make_folder(root, count):
    """Noisy gradients as PNG files of 3 kB, `count` for training."""

    def write(number):
        random = np.random.default_rng(number)
        part, label = ("train" if number < count else "test"), number % CLASSES
        pixels = random.integers(0, 60, (PIXELS, PIXELS, 3)) + 19 * label
        file = root / part / f"class-{label}" / f"{number:07}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(file, compress_level=1)

    for part in ("train", "test"):
        for label in range(CLASSES):
            (root / part / f"class-{label}").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, count + TEST, 1000):
            list(pool.map(write, range(start, min(start + 1000, count + TEST))))
    return root


def run_watched(root, stream, output, site):
    """Run cross-entropy for two epochs on a folder, and watch its memory."""
    data = ("--dataset", "image-folder", "--set-data", f"root={root}")
    flags = ("--track", "digits", "--method", "ce", "--epochs", "2", "--batch-size", "128")
    arguments = ("run", *flags, *data, "--set-data", f"stream={stream}", "--output", output)
    variables = {"LNLBENCH_CACHE_DIR": str(output / "cache"), "LNLBENCH_WORKERS": "2"}
    peaks = Peaks()
    process = subprocess.Popen(
        command(*arguments), env=environment(PYTHONPATH=site, **variables), cwd=root
    )
    while process.poll() is None:
        peaks.look(process.pid)
        time.sleep(0.1)
    assert process.returncode == 0
    assert stored(output)["status"] == "done"
    sys.stdout.write(
        f"\n{root.name} files, stream={stream}: run {peaks.run / MIB:.0f} MiB, each worker at most "
        f"{peaks.worker / MIB:.0f} MiB, all without doubles {peaks.all / MIB:.0f} MiB\n"
    )
    return peaks


@pytest.fixture
def folder(tmp_path):
    """A folder that is removed at once: pytest would keep the files for three sessions."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_memory_is_constant_in_the_number_of_files(folder):
    site = ":".join(install_package(PACKAGE / "plugins" / "lnlbench-image-folder", folder / "site"))
    found = {}
    for count in (FEW, MANY):
        root = make_folder(folder / str(count), count)
        for stream in ("true", "false"):
            found[count, stream] = run_watched(root, stream, folder / f"{count}-{stream}", site)
    few, many = found[FEW, "true"], found[MANY, "true"]
    pixels = PIXELS**2 * 3 * (MANY - FEW)
    # Paths, labels and draws grow, by some hundred bytes a file; the pixels alone are 3,072.
    assert many.run - few.run < pixels / 2
    assert many.all - few.all < pixels / 2
    assert found[MANY, "false"].run - found[FEW, "false"].run > pixels
