"""Labeled images in files, each with its path: what an audit looks at, without any split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Images uint8 [M, C, S, S] of M rows, and the reason for each row that is not readable.
Reading = tuple[NDArray[np.uint8], list[tuple[int, str]]]


@dataclass(frozen=True, eq=False)
class Collection:
    """All images of a folder or of a table, with their labels as given.

    `paths` are relative to the folder, with "/". `labels` and, if the truth is known,
    `clean_labels` are names of classes. `decisions` are those of an earlier audit, if the table has
    them. `read` decodes some rows, and gives zeros for files that it cannot read. `identity`
    changes when a file changes, or what is made of it. `left_out` names files that were found and
    do not take part, with the reason.
    """

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    read: Callable[[Sequence[int]], Reading] = field(repr=False)
    identity: str
    clean_labels: tuple[str, ...] | None = None
    decisions: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()
