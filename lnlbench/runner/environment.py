"""What a result records about the machine and the software that made it."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

import lnlbench
from lnlbench.runner.devices import hardware_name
from lnlbench.system.cores import available_cores


def describe_environment(
    device: torch.device, precision: str, compiled: bool = False, compilation: str = ""
) -> dict[str, Any]:
    """Versions, hardware, precision, and the git commit of the lnlbench checkout, if it is one.

    `compilation` says why networks are compiled or not, if lnlbench has decided it.
    """
    commit, dirty = _git_state(Path(lnlbench.__file__).parent)
    return {
        "lnlbench": lnlbench.__version__,
        "torch": str(torch.__version__),  # a plain string: checkpoints hold no subclass of it
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": hardware_name(device, compiled),
        # The instructions that torch uses decide the order of sums, and so the last digits.
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpu_count": available_cores(),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "git_commit": commit,
        "git_dirty": dirty,
        **({"compilation": compilation} if compilation else {}),
    }


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two environments, as "key: before -> now".

    This leaves out commits and the reason for compiling: the device says whether it was done.
    """
    return [
        f"{key}: {before.get(key)} -> {value}"
        for key, value in now.items()
        if before.get(key) != value and not key.startswith(("git", "compilation"))
    ]


def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed package may lie inside another project's repository: only a tracked file counts.
    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    status = git("status", "--porcelain", "--untracked-files=no", "--", ".")
    return git("rev-parse", "HEAD"), None if status is None else bool(status)
