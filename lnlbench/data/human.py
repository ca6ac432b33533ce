"""The CIFAR-N human labels (Wei et al., ICLR 2022, https://arxiv.org/abs/2110.12088), checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lnlbench.data.checksum import matches
from lnlbench.data.cifar import int_labels
from lnlbench.data.pickles import read_torch_pickle
from lnlbench.errors import DataError


@dataclass(frozen=True)
class HumanFormat:
    """A label file: its published hash, and which key holds which noise."""

    file: str
    checksum: str
    keys: Mapping[str, str]
    rates: Mapping[str, float] = field(default_factory=dict)


CIFAR10N = HumanFormat(
    file="CIFAR-10_human.pt",
    checksum="sha256:873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310",
    keys={
        "aggre": "aggre_label",
        "random1": "random_label1",
        "random2": "random_label2",
        "random3": "random_label3",
        "worst": "worse_label",  # sic: the file says "worse", the paper "worst"
    },
    rates={
        "aggre": 0.0901,
        "random1": 0.1723,
        "random2": 0.1812,
        "random3": 0.1764,
        "worst": 0.4021,
    },
)

CIFAR100N = HumanFormat(
    file="CIFAR-100_human.pt",
    checksum="sha256:bd2d80409754d420292d622e15e25248ba21e37d27429efac49c8da723f44394",
    keys={"noisy-fine": "noisy_label"},
    rates={"noisy-fine": 0.4020, "noisy-coarse": 0.2640},
)


@dataclass(frozen=True)
class HumanLabels:
    """Checked human labels: noise name -> int64 [N], and whether the file is the published one."""

    labels: Mapping[str, np.ndarray]
    published: bool


def read_human_labels(
    data_dir: Path,
    form: HumanFormat,
    clean: np.ndarray,
    num_classes: int,
    superclasses: Sequence[int] = (),
) -> HumanLabels:
    """Read a label file and match it, element by element, with the data set's own labels.

    Args:
        data_dir: the folder that holds the file.
        form: which file to read.
        clean: the data set's training labels, int64 [N].
        num_classes: the number of classes of those labels.
        superclasses: superclass of each class; adds `noisy-coarse`, derived from the fine labels.

    Raises:
        DataError: the labels belong to another image order, or the file is not a label file.
    """
    path = data_dir / form.file
    content = read_torch_pickle(path)
    own = int_labels(content, "clean_label", len(clean), num_classes, path)
    _check_same(path, "clean_label", own, clean)
    labels = {
        name: int_labels(content, key, len(clean), num_classes, path)
        for name, key in form.keys.items()
    }
    if superclasses:
        mapping = np.array(superclasses, dtype=np.int64)
        _check_coarse(path, "clean_coarse_label", content, mapping[clean], mapping)
        labels["noisy-coarse"] = mapping[labels["noisy-fine"]]
        _check_coarse(path, "noisy_coarse_label", content, labels["noisy-coarse"], mapping)
    return HumanLabels(labels, published=matches(path, form.checksum))


def _check_same(path: Path, key: str, found: np.ndarray, expected: np.ndarray) -> None:
    # The reference loader compares sums, which would let every permutation pass.
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        shown = ", ".join(str(index) for index in wrong[:5])
        raise DataError(
            f"{path}: {key!r} differs from the data set's own labels at {len(wrong)} of "
            f"{len(expected)} indices (first: {shown}). The file is for another image order (the "
            "TensorFlow order is published too) or another data set; use the file for the Python "
            "pickles ('lnlbench data fetch')."
        )


def _check_coarse(
    path: Path, key: str, content: Mapping[str, Any], derived: np.ndarray, mapping: np.ndarray
) -> None:
    if key not in content:
        return
    expected = len(np.unique(mapping))
    coarse = int_labels(content, key, len(derived), expected, path)
    distinct = len(np.unique(coarse))
    if distinct < len(np.unique(derived)):
        raise DataError(
            f"{path}: {key!r} has only {distinct} of {expected} coarse ids. This is the file of "
            "October 2021, whose coarse labels merge superclasses (the source of the often quoted "
            "25.60 % noise); it was corrected in March 2023. Delete it and get the present file "
            "('lnlbench data fetch')."
        )
    _check_same(path, key, coarse, derived)
