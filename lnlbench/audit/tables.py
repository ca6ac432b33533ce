"""Tables that a user brings: labels with paths and decisions, and features."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lnlbench.data.table_file import is_parquet, read_table, unreadable
from lnlbench.errors import DataError
from lnlbench.system.cells import unguarded

if TYPE_CHECKING:
    import pandas as pd

# The decisions after which no audit asks again.
FINAL = ("accept", "keep")


@dataclass(frozen=True)
class LabelTable:
    """The rows of a table: names of samples, labels, right labels if known, and decisions."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    clean_labels: tuple[str, ...] | None
    decisions: tuple[str, ...] | None


def read_label_table(file: Path) -> LabelTable:
    """A CSV or Parquet file with the column label, and path, clean_label and decision if there.

    Without paths, the rows' numbers name the samples. Cells are read as `lnlbench audit` writes
    them.

    Raises:
        DataError: the table cannot be read, lacks labels, or names a sample twice.
    """
    frame = read_table(file)
    if "label" not in frame:
        raise DataError(
            f"{file} has no column 'label'. Its columns: {', '.join(frame.columns)}. Needed: "
            "label; understood: path, clean_label, decision."
        )
    labels = _texts(frame, "label", [])
    empty = next((number for number, label in enumerate(labels, start=2) if not label), None)
    if empty is not None:
        raise DataError(f"{file}, row {empty}: no label.")
    numbers = [f"row {number}" for number in range(len(frame))]
    paths = _texts(frame, "path", numbers)
    require_unique(file, paths)
    return LabelTable(
        paths=tuple(paths),
        labels=tuple(labels),
        clean_labels=tuple(_texts(frame, "clean_label", [])) if "clean_label" in frame else None,
        decisions=tuple(_texts(frame, "decision", [])) if "decision" in frame else None,
    )


def require_unique(file: Path, paths: Iterable[str]) -> None:
    """Make sure that no two rows of a table have one path: decisions name samples by their paths.

    Raises:
        DataError: two rows have the same path.
    """
    seen: dict[str, int] = {}
    for number, path in enumerate(paths, start=2):
        before = seen.setdefault(path, number)
        if before != number:
            raise DataError(
                f"{file}, row {number}: the path {path!r} is in row {before} already. Give each "
                "row a path of its own, or leave out the column: rows then go by their numbers."
            )


def _texts(frame: "pd.DataFrame", column: str, default: list[str]) -> list[str]:
    if column not in frame:
        return default
    texts = [_text(value) for value in frame[column].astype(object)]
    # Only tables that an audit wrote have guarded cells.
    return [unguarded(text) for text in texts] if "given_label" in frame else texts


def _text(value: Any) -> str:
    """A cell's text; empty for NaN, which is the only value that differs from itself."""
    return "" if value is None or value != value else str(value)


def read_features(file: Path) -> NDArray[np.float32]:
    """Features float32 [N, D] of an .npy file, or of the columns of a Parquet file.

    Raises:
        DataError: the file cannot be read, or holds anything but finite numbers.
    """
    try:
        if is_parquet(file):
            import pandas as pd

            values = pd.read_parquet(file).to_numpy(np.float32)
        else:
            values = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a parser may raise anything; it means this file
        raise unreadable(file, error) from error
    if not isinstance(values, np.ndarray):
        raise DataError(
            f"{file} holds several arrays: {', '.join(values.files)}. Save one of them by itself: "
            "numpy.save('features.npy', array)."
        )
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise DataError(
            f"{file} holds {values.dtype} {list(values.shape)}. Give numbers of the shape "
            "[samples, features]."
        )
    numbers = np.array(values, np.float32)
    broken = ~np.isfinite(numbers).all(1)
    if broken.any():
        raise DataError(
            f"{file}: {int(broken.sum()):,} rows hold NaN or infinite values, first row "
            f"{int(broken.argmax())}. Replace or leave out these rows, in the table too."
        )
    return numbers
