"""The facts of each image file, which files are for the test, and their classes."""

import hashlib
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from lnlbench.data.class_names import in_order
from lnlbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Sample:
    """One image file; `clean` is its right label if that is known, `split` is train or test.

    `decision` is what a person said of the label in an audit, if the table says that.

    The file is a text, which takes a fifth of the memory of a Path: there may be millions.
    """

    file: str
    label: str
    split: str
    clean: str | None = None
    decision: str | None = None


def hold_out(samples: list[Sample], root: Path, share: float | None) -> list[Sample]:
    """The samples with a test split: their own, or `share` of them, the same on every machine.

    Raises:
        DataError: the data have no test split, or `share` asks for a second one.
    """
    has_test = any(sample.split == "test" for sample in samples)
    if has_test and share is not None:
        raise DataError(
            "These data have a test split of their own, and test_share asks for another. Leave "
            "test_share out."
        )
    if not has_test and share is None:
        raise DataError(
            f"{root} has no test images. Put some into {root}/test/CLASS/ (or give rows of the "
            "table split=test), or hold some out: --set-data test_share=0.2."
        )
    if share is None:
        return samples
    return [
        replace(sample, split="test") if _position(Path(sample.file), root) < share else sample
        for sample in samples
    ]


def _position(file: Path, root: Path) -> float:
    """A number in [0, 1) that depends only on the path below root."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
    return (
        int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6]) / 2**48
    )


def class_names(samples: list[Sample]) -> tuple[str, ...]:
    """All labels, given and right ones, in order."""
    clean = (sample.clean for sample in samples if sample.clean is not None)
    return in_order(chain((sample.label for sample in samples), clean))
