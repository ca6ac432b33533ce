"""Curves of a run for TensorBoard, in the folder `tensorboard` of the run's directory."""

from pathlib import Path
from typing import Any

from lnlbench import hookimpl
from lnlbench.errors import UsageError

FOLDER = "tensorboard"


class TensorBoardLogger:
    """Writes every scalar of every epoch, with epochs counted from 1."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                "--log tensorboard needs TensorBoard, which is not installed: "
                "pip install 'lnlbench[tensorboard]'"
            ) from error
        self._writer_class = SummaryWriter
        self._writer: Any = None

    @hookimpl
    def run_started(self, directory: Path, epoch: int) -> None:
        """Open the run's log; drops what a killed run logged after its last checkpoint."""
        self._close()
        self._writer = self._writer_class(str(directory / FOLDER), purge_step=epoch + 1)

    @hookimpl
    def epoch_finished(self, epoch: int, values: dict[str, float | None]) -> None:
        """Write an epoch's values and flush them, so that they can be watched."""
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(name, value, epoch + 1)
        self._writer.flush()

    @hookimpl
    def run_finished(self, result: dict[str, Any]) -> None:
        """Log how the run ended, and close its log."""
        if self._writer is not None:
            self._writer.add_text("status", result["error"] or result["status"])
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
