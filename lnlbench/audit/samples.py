"""What an audit judges: features, labels as given, and how each sample is named and shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.audit.features import FeatureNetwork, Progress, image_features
from lnlbench.audit.tables import LabelTable, read_features
from lnlbench.data.collection import Collection
from lnlbench.errors import DataError, UsageError
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import validate_params

Picture = Callable[[Sequence[int]], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples: features float [N, D], labels int64 [N] below the number of `classes`.

    `paths` names the samples. `clean` int64 [N] are the right labels if they are known (-1 for a
    class that no given label has). `decided` bool [N] marks samples that a person has judged
    before. `picture` gives the images uint8 [M, C, S, S] of M rows; None without images.
    """

    features: Tensor = field(repr=False)
    labels: Tensor
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    source: str
    clean: Tensor | None = None
    decided: Tensor | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None


def class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """All labels in order: numbers by their value, other names by the alphabet."""
    names = set(labels)
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def collected(source: DataSource | None, folder: Path, table: Path | None, size: int) -> Collection:
    """The images of a folder, as the plugin for image folders lists them.

    Raises:
        UsageError: the plugin is not installed.
        DataError: folder or table are not as the plugin requires.
    """
    if source is None or source.collect is None:
        raise UsageError(
            "Reading a folder of images needs the plugin lnlbench-image-folder: pip install "
            "lnlbench-image-folder (in this repository: pip install -e "
            "plugins/lnlbench-image-folder). Or give features with --features."
        )
    settings = {"root": str(folder), "image_size": size}
    if table is not None:
        settings["table"] = str(table.absolute())
    return source.collect(validate_params(source.name, source.params, settings, kind="data set"))


def image_samples(
    collection: Collection,
    network: FeatureNetwork,
    device: torch.device,
    progress: Progress,
    table: LabelTable | None,
) -> Samples:
    """The readable images of a collection, with features of a pretrained network.

    Raises:
        DataError: fewer than two classes are left.
        RunError: a feature is not finite.
    """
    features, unreadable = image_features(collection, network, device, progress)
    bad = set(unreadable)
    rows = [row for row in range(len(collection.paths)) if row not in bad]
    reasons = collection.read(unreadable)[1] if unreadable else []
    size = network.preprocessing.image_size
    about = (
        f"{network.name} at {size}x{size} pixels, pretrained on {network.weights.pretrained_on}, "
        f"weights sha256 {network.weights.sha256[:16]}"
    )
    left_out = tuple((collection.paths[row], reason) for row, reason in reasons)

    def picture(chosen: Sequence[int]) -> NDArray[np.uint8]:
        return collection.read([rows[each] for each in chosen])[0]

    kept = features if not bad else features[rows]
    clean = collection.clean_labels
    return make_samples(
        kept,
        [collection.labels[row] for row in rows],
        [collection.paths[row] for row in rows],
        source=about,
        clean=None if clean is None else [clean[row] for row in rows],
        decided=None if table is None else table.decided_among(rows),
        left_out=(*collection.left_out, *left_out),
        picture=picture,
    )


def feature_samples(features: Path, table: LabelTable) -> Samples:
    """Samples with features of one's own, a row of the file for each row of the table.

    Raises:
        DataError: the files cannot be read, or do not have the same number of rows.
    """
    values = read_features(features)
    if len(values) != len(table.labels):
        raise DataError(
            f"{features} has {len(values):,} rows, and the table has {len(table.labels):,}. Give "
            "one row of features for each row of the table, in the same order."
        )
    return make_samples(
        torch.from_numpy(values),
        table.labels,
        table.paths,
        source=f"features of {features.name}, {values.shape[1]} each",
        clean=table.clean_labels,
        decided=table.decided_among(range(len(table.labels))),
    )


def make_samples(
    features: Tensor,
    labels: Sequence[str],
    paths: Sequence[str],
    *,
    source: str,
    clean: Sequence[str] | None = None,
    decided: Sequence[bool] | None = None,
    left_out: tuple[tuple[str, str], ...] = (),
    picture: Picture | None = None,
) -> Samples:
    """Samples from names of classes.

    Raises:
        DataError: there are fewer than two classes.
    """
    classes = class_names(labels)
    if len(classes) < 2:
        raise DataError(
            f"The {len(labels):,} samples have {len(classes)} label(s) in all, and an audit needs "
            "at least two classes to tell apart."
        )
    index = {name: number for number, name in enumerate(classes)}
    return Samples(
        features=features,
        labels=torch.tensor([index[label] for label in labels]),
        classes=classes,
        paths=tuple(paths),
        source=source,
        clean=None if clean is None else torch.tensor([index.get(each, -1) for each in clean]),
        decided=None if decided is None else torch.tensor(list(decided), dtype=torch.bool),
        left_out=left_out,
        picture=picture,
    )
