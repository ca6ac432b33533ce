"""What an audit judges: features, labels as given, and how each sample is named and shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.audit.features import FeatureNetwork, Progress, image_features
from lnlbench.audit.tables import FINAL, LabelTable, read_features
from lnlbench.data.class_names import in_order
from lnlbench.data.collection import Collection
from lnlbench.errors import DataError, UsageError, installing
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import validate_params

Picture = Callable[[Sequence[int]], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples: features float [N, D], labels int64 [N] below the number of `classes`.

    `paths` names the samples. `clean` int64 [N] are the right labels if they are known (-1 for a
    class that no given label has). `decisions` has what a person said of each sample before, or "";
    None without an earlier audit. `picture` gives the images uint8 [M, C, S, S] of M rows; None
    without images. `network` made the features; None for features of one's own. `given` says what
    the user gave, as JSON values.
    """

    features: Tensor = field(repr=False)
    labels: Tensor
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    source: str
    clean: Tensor | None = None
    decisions: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None
    network: FeatureNetwork | None = None
    given: dict[str, Any] | None = None

    @property
    def decided(self) -> Tensor:
        """Which samples a person has accepted or kept before, bool [N]."""
        said = self.decisions or [""] * len(self.paths)
        return torch.tensor([each in FINAL for each in said])


def collected(source: DataSource | None, folder: Path, table: Path | None, size: int) -> Collection:
    """The images of a folder, as the plugin for image folders lists them.

    Raises:
        UsageError: the plugin is not installed.
        DataError: folder or table are not as the plugin requires.
    """
    if source is None or source.collect is None:
        raise UsageError(
            "Reading a folder of images needs the plugin lnlbench-image-folder: "
            f"{installing('lnlbench-image-folder')}. Or give features with --features."
        )
    settings = {"root": str(folder), "image_size": size}
    if table is not None:
        settings["table"] = str(table.absolute())
    return source.collect(validate_params(source.name, source.params, settings, kind="data set"))


def image_samples(
    collection: Collection, network: FeatureNetwork, device: torch.device, progress: Progress
) -> Samples:
    """The readable images of a collection, with features of a pretrained network.

    Raises:
        DataError: fewer than two classes are left.
        RunError: a feature is not finite.
    """
    features, unreadable = image_features(collection, network, device, progress)
    size = network.preprocessing.image_size
    about = (
        f"{network.name} at {size}x{size} pixels, pretrained on {network.weights.pretrained_on}, "
        f"weights sha256 {network.weights.sha256[:16]}"
    )
    return replace(_pictured(collection, features, about, unreadable), network=network)


def featured_samples(collection: Collection, features: Path) -> Samples:
    """The images of a collection, with features of one's own: a row for each image, in order.

    Raises:
        DataError: the file cannot be read, or does not have a row for each image.
    """
    values, about = _own_features(features, len(collection.paths), "the folder has", "images")
    return _pictured(collection, values, about)


def feature_samples(features: Path, table: LabelTable) -> Samples:
    """Samples with features of one's own, a row of the file for each row of the table.

    Raises:
        DataError: the files cannot be read, or do not have the same number of rows.
    """
    values, about = _own_features(features, len(table.labels), "the table has", "rows")
    return make_samples(
        values,
        table.labels,
        table.paths,
        source=about,
        clean=table.clean_labels,
        decisions=table.decisions,
    )


def _own_features(features: Path, count: int, has: str, what: str) -> tuple[Tensor, str]:
    values = read_features(features)
    if len(values) != count:
        raise DataError(
            f"{features} has {len(values):,} rows, and {has} {count:,} {what}. Give one row of "
            f"features for each of the {what}, in the same order."
        )
    return torch.from_numpy(values), f"features of {features.name}, {values.shape[1]} each"


def _pictured(
    collection: Collection, features: Tensor, about: str, unreadable: Sequence[int] = ()
) -> Samples:
    bad = set(unreadable)
    rows = [row for row in range(len(collection.paths)) if row not in bad]
    reasons = collection.read(unreadable)[1] if unreadable else []
    left_out = tuple((collection.paths[row], reason) for row, reason in reasons)

    def picture(chosen: Sequence[int]) -> NDArray[np.uint8]:
        return collection.read([rows[each] for each in chosen])[0]

    def kept(values: tuple[str, ...] | None) -> list[str] | None:
        return None if values is None else [values[row] for row in rows]

    return make_samples(
        features[rows] if bad else features,
        [collection.labels[row] for row in rows],
        [collection.paths[row] for row in rows],
        source=about,
        clean=kept(collection.clean_labels),
        decisions=kept(collection.decisions),
        left_out=(*collection.left_out, *left_out),
        picture=picture,
    )


def make_samples(
    features: Tensor,
    labels: Sequence[str],
    paths: Sequence[str],
    *,
    source: str,
    clean: Sequence[str] | None = None,
    decisions: Sequence[str] | None = None,
    left_out: tuple[tuple[str, str], ...] = (),
    picture: Picture | None = None,
) -> Samples:
    """Samples from names of classes.

    Raises:
        DataError: there are fewer than two classes.
    """
    classes = in_order(labels)
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
        decisions=None if decisions is None else tuple(decisions),
        left_out=left_out,
        picture=picture,
    )
