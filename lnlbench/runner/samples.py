"""How each training sample fared: `samples.parquet` in a run's directory."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lnlbench.errors import DataError, UsageError
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json

if TYPE_CHECKING:
    import pyarrow

_NEVER = -1
_ABOUT = b"lnlbench"


def require_pyarrow() -> None:
    """Fail before a run starts if its samples could not be written at the end.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401 - its being there is the question
    except ImportError as error:
        raise UsageError(
            "samples.parquet needs pyarrow, which is not installed: pip install 'lnlbench[samples]'"
        ) from error


class SampleHistory:
    """For each training sample: when its given label was first predicted, and how often forgotten.

    A forgetting event is an epoch after which the network no longer predicts the label, although it
    did after the epoch before (Toneva et al., ICLR 2019). All tensors are [N], on the CPU.
    """

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self.predicted = torch.zeros_like(labels)
        self.losses = torch.zeros(len(labels))
        self.first_learned = torch.full_like(labels, _NEVER)
        self.forgetting_events = torch.zeros_like(labels)
        self.is_right = torch.zeros(len(labels), dtype=torch.bool)

    def update(self, epoch: int, logits: Tensor) -> None:
        """Note the prediction, logits [N, C], after an epoch counted from 0."""
        self.predicted = logits.argmax(1)
        self.losses = cross_entropy(logits.float(), self.labels, reduction="none")
        right = self.predicted == self.labels
        self.first_learned[right & (self.first_learned == _NEVER)] = epoch
        self.forgetting_events += self.is_right & ~right
        self.is_right = right

    def document(self) -> dict[str, Tensor]:
        """Everything but the labels, for a checkpoint."""
        return {name: value for name, value in vars(self).items() if name != "labels"}

    def restore(self, document: dict[str, Tensor]) -> None:
        """Restore the state from a checkpoint."""
        vars(self).update({name: value.cpu() for name, value in document.items()})


def write_samples(
    path: Path,
    history: SampleHistory,
    positions: Tensor,
    belief: Tensor | None,
    about: dict[str, Any],
) -> None:
    """Write one row per training sample; `positions` [N] are the samples' places in the data set.

    `about` says in the file's metadata which run the file is from. Raises UsageError without
    pyarrow, and the errors of `write_atomically`.
    """
    require_pyarrow()
    import pyarrow
    import pyarrow.parquet

    learned = history.first_learned.numpy()
    probability = None if belief is None else belief.detach().float().cpu().numpy()
    columns = {
        "index": pyarrow.array(positions.numpy(), pyarrow.int32()),
        "noisy_label": pyarrow.array(history.labels.numpy(), pyarrow.int32()),
        "predicted_label": pyarrow.array(history.predicted.numpy(), pyarrow.int32()),
        "clean_probability": pyarrow.nulls(len(learned), pyarrow.float32())
        if probability is None
        else pyarrow.array(probability, pyarrow.float32()),
        "loss": pyarrow.array(history.losses.numpy(), pyarrow.float32()),
        # Epochs count from 1, as readers count; null if the label was never predicted.
        "first_learned_epoch": pyarrow.array(learned + 1, pyarrow.int32(), mask=learned == _NEVER),
        "forgetting_events": pyarrow.array(history.forgetting_events.numpy(), pyarrow.int32()),
    }
    table = pyarrow.table(columns)
    table = table.replace_schema_metadata({_ABOUT: json.dumps(about, sort_keys=True)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    write_atomically(path, buffer.getvalue())


def read_samples(path: Path, fingerprint: str) -> "pyarrow.Table":
    """The samples of the run with this fingerprint.

    Raises:
        UsageError: pyarrow is not installed.
        DataError: the file is damaged, or belongs to another run.
    """
    require_pyarrow()
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
        about = parse_json((table.schema.metadata or {}).get(_ABOUT, b"{}"))
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(f"Cannot read {path}: {str(error)[:200]}. Delete it.") from error
    if not isinstance(about, dict) or about.get("fingerprint") != fingerprint:
        raise DataError(f"{path} belongs to another run than its folder. Delete it.")
    return table
