"""Curves of a run for Weights & Biases: offline in its directory, unless WANDB_MODE is set."""

import os
from pathlib import Path
from typing import Any

from lnlbench import hookimpl
from lnlbench.errors import UsageError


class WandbLogger:
    """Writes every scalar of every epoch; `wandb sync` uploads what was logged offline."""

    def __init__(self) -> None:
        try:
            import wandb
        except ImportError as error:
            raise UsageError(
                "--log wandb needs Weights & Biases, which is not installed: "
                "pip install 'lnlbench[wandb]'"
            ) from error
        self._wandb = wandb
        self._run: Any = None

    @hookimpl
    def run_started(self, directory: Path, spec: dict[str, Any], epoch: int) -> None:
        """Begin or resume the run, which has the name of its directory."""
        self._close()
        self._run = self._wandb.init(
            project="lnlbench",
            name=f"{spec['method']} {spec['track']} seed {spec['seed']}",
            id=directory.name,
            dir=str(directory),
            config=spec,
            mode=os.environ.get("WANDB_MODE") or "offline",
            resume="allow",
            settings=self._wandb.Settings(silent=True),
        )

    @hookimpl
    def epoch_finished(self, epoch: int, values: dict[str, float | None]) -> None:
        """Log an epoch's values, with epochs counted from 1."""
        self._run.log({k: v for k, v in values.items() if v is not None}, step=epoch + 1)

    @hookimpl
    def run_finished(self, result: dict[str, Any]) -> None:
        """Say how the run ended, and end it."""
        if self._run is not None:
            self._run.summary["status"] = result["status"]
        self._close()

    def _close(self) -> None:
        if self._run is not None:
            self._run.finish()
            self._run = None
