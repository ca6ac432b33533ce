"""The fields of a data set from arrays in memory, images or features, with given labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.data.names import GIVEN
from lnlbench.errors import DataError, UsageError
from lnlbench.seeds import generator_for

if TYPE_CHECKING:
    Array = NDArray[Any]

_CHANNELS = (1, 3)


def fields_from_arrays(
    data: Any,
    labels: Any,
    test_data: Any = None,
    test_labels: Any = None,
    *,
    clean_labels: Any = None,
    classes: Sequence[Any] | None = None,
    name: str = "arrays",
    test_share: float = 0.2,
    test_seed: int = 0,
) -> dict[str, Any]:
    """The fields of a data set; see `Dataset.from_arrays`."""
    samples = samples_of(data, "data")
    given = _values(labels, len(samples), "labels")
    truth = None if clean_labels is None else _values(clean_labels, len(samples), "clean_labels")
    if (test_data is None) != (test_labels is None):
        raise UsageError("Give test_data and test_labels together, or neither of them.")
    notes: tuple[str, ...] = ()
    if test_data is None:
        train, test, note = _held_out(len(samples), test_share, test_seed)
        notes = (note,)
        test_samples, tested = samples[test], (given if truth is None else truth)[test.numpy()]
        samples, given = samples[train], given[train.numpy()]
        truth = None if truth is None else truth[train.numpy()]
    else:
        test_samples = samples_of(test_data, "test_data")
        tested = _values(test_labels, len(test_samples), "test_labels")
        if test_samples.shape[1:] != samples.shape[1:] or test_samples.dtype != samples.dtype:
            raise DataError(
                f"test_data has samples of shape {list(test_samples.shape[1:])}, and data of "
                f"{list(samples.shape[1:])}. Give both in one form and size."
            )
    names = _classes(classes, [given, tested] if truth is None else [given, tested, truth])
    index = {label: place for place, label in enumerate(names)}

    def numbered(values: Array) -> Tensor:
        return torch.tensor([index[value] for value in values.tolist()], dtype=torch.int64)

    mean, std = _statistics(samples)
    noisy = numbered(given)
    return {
        "name": name,
        "train_images": samples,
        "train_labels": noisy if truth is None else numbered(truth),
        "test_images": test_samples,
        "test_labels": numbered(tested),
        "classes": tuple(str(label) for label in names),
        "mean": mean,
        "std": std,
        "human_labels": {GIVEN: noisy},
        "notes": notes,
        "truth_known": truth is not None,
    }


def samples_of(data: Any, name: str) -> Tensor:
    """Images uint8 [N, C, S, S] or features float32 [N, D]; `name` is what errors call the array.

    Raises:
        DataError: the array has a wrong shape, type or value.
    """
    if hasattr(data, "toarray"):
        raise DataError(f"{name} is a sparse matrix. Give a dense array: {name}.toarray().")
    array = data.detach().cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)
    if array.ndim == 2 and (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        features = np.ascontiguousarray(array, dtype=np.float32)
        if not features.shape[1]:
            raise DataError(f"{name} has no features: its shape is {list(features.shape)}.")
        if not np.isfinite(features).all():
            raise DataError(
                f"{name} holds NaN, infinite or very large values. Fill or scale them first."
            )
        return torch.from_numpy(features.copy() if features is array else features)
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return _images(array, name)
    raise DataError(
        f"{name} is an array of {array.dtype} with shape {list(array.shape)}. Give images as uint8 "
        "[N, height, width, 3], [N, height, width] or [N, 3, height, width], or features as "
        "numbers [N, D]."
    )


def _images(array: Array, name: str) -> Tensor:
    if array.ndim == 3:
        array = array[:, None]
    elif array.shape[3] in _CHANNELS:
        array = array.transpose(0, 3, 1, 2)
    elif array.shape[1] not in _CHANNELS:
        raise DataError(
            f"{name} has the shape {list(array.shape)}, with 1 or 3 channels neither last nor "
            "second. Give uint8 [N, height, width, 3] or [N, 3, height, width]."
        )
    height, width = array.shape[2:]
    size = max(height, width)
    squares = np.zeros((*array.shape[:2], size, size), dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    squares[:, :, top : top + height, left : left + width] = array
    return torch.from_numpy(squares)


def _values(labels: Any, count: int, name: str) -> Array:
    values = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if values.shape != (count,):
        raise DataError(
            f"{name} has the shape {list(values.shape)}. Give one label for each of the {count} "
            "samples."
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{name} holds NaN or infinite values. Each sample needs a label.")
    return values


def _classes(classes: Sequence[Any] | None, found: Sequence[Array]) -> list[Any]:
    """The labels that occur, in order; or the given ones, which have to cover those."""
    present = {value for values in found for value in values.tolist()}
    if classes is None:
        try:
            return sorted(present)
        except TypeError as error:
            kinds = ", ".join(sorted({type(value).__name__ for value in present}))
            raise DataError(f"The labels are of several kinds: {kinds}. Give one kind.") from error
    names = list(np.asarray(classes).tolist())
    unknown = sorted(str(value) for value in present - set(names))
    if unknown:
        raise DataError(f"The label {unknown[0]!r} is not among the classes {names[:10]}.")
    return names


def _held_out(count: int, share: float, seed: int) -> tuple[Tensor, Tensor, str]:
    if not 0 < share < 1:
        raise UsageError(f"test_share is {share}. Give a share between 0 and 1.")
    size = max(1, round(share * count))
    if count - size < 2:
        raise DataError(
            f"{count} samples are too few: of {count}, {size} would be the test split, and "
            "training needs 2."
        )
    order = torch.randperm(count, generator=generator_for(seed, "data", "test split"))
    note = (
        f"no test split was given: {size} of {count} samples, drawn with seed {seed}, are the test "
        "split"
    )
    return order[size:].sort().values, order[:size].sort().values, note


def _statistics(samples: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of images; empty for features."""
    if samples.ndim == 2:
        return (), ()
    channels = samples.transpose(0, 1).flatten(1).double() / 255
    deviations = channels.std(1, unbiased=False).clamp(min=1e-3)
    return tuple(channels.mean(1).tolist()), tuple(deviations.tolist())
