"""What the runner measures between epochs: scores, diagnostics, and single samples on request."""

import time
from pathlib import Path

from torch import Tensor

from lnlbench.interface.method import Method
from lnlbench.runner.diagnosis import Diagnosis, looks_at
from lnlbench.runner.evaluation import Evaluator
from lnlbench.runner.inputs import Inputs
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.record import Record
from lnlbench.runner.samples import SampleHistory, write_samples


class Measurements:
    """Measures a method after each epoch; keeps the truth and the test split to itself."""

    def __init__(self, prepared: Prepared, inputs: Inputs, batch_size: int, samples: bool) -> None:
        self._prepared = prepared
        self._evaluator = Evaluator(prepared.split, inputs, batch_size)
        self._diagnosis = Diagnosis(prepared.dataset, prepared.split)
        self._samples = SampleHistory(prepared.split.training.labels) if samples else None
        self.unpaid_seconds = 0.0  # seconds of the last look that are not a cost of the run

    def look(self, method: Method, epoch: int, record: Record) -> dict[str, float | None]:
        """The scores after an epoch (from 0); adds to the record's diagnostics at some epochs."""
        max_epochs = self._prepared.spec.protocol.epochs
        # Diagnostics compare with the truth and the test split, which a search does not have.
        compared = len(self._prepared.split.test.labels) > 0
        closely = compared and looks_at(epoch, max_epochs)
        evaluation = self._evaluator.evaluate(method, closely)
        if closely:
            record.diagnostics["snapshots"].append(self._diagnosis.snapshot(epoch, evaluation))
        if compared and epoch == max_epochs - 1:
            record.diagnostics |= self._diagnosis.final(evaluation)
        self.unpaid_seconds = 0.0
        if self._samples is not None:
            # A run's cost must not depend on whether a user wants the file.
            began = time.monotonic()
            self._samples.update(epoch, self._evaluator.training_logits(method, evaluation))
            self.unpaid_seconds = time.monotonic() - began
        return evaluation.scores

    def document(self) -> dict[str, Tensor] | None:
        """The state for a checkpoint; None if the run does not watch samples."""
        return None if self._samples is None else self._samples.document()

    def restore(self, document: dict[str, Tensor] | None) -> None:
        """Restore a checkpoint's state; a resumed run watches samples without a new --samples."""
        if document is not None:
            self._samples = SampleHistory(self._prepared.split.training.labels)
            self._samples.restore(document)

    def write_samples(self, path: Path, method: Method, epochs: int) -> None:
        """Write samples.parquet if the run watches samples."""
        if self._samples is None:
            return
        prepared = self._prepared
        about = {
            "fingerprint": prepared.spec.fingerprint,
            "labels_sha256": prepared.noisy.sha256,
            "epochs": epochs,
        }
        positions = prepared.split.training.positions
        write_samples(path, self._samples, positions, method.clean_probability(), about)
