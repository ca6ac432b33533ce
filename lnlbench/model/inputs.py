"""What people hand to a model, as batches of square images or of features."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lnlbench.data.arrays import samples_of
from lnlbench.data.square_images import Unreadable, own_limit, read_square, square_of
from lnlbench.errors import DataError, shown
from lnlbench.model.card import Card, FeatureInput, ImageInput
from lnlbench.system.cores import available_cores

MAX_MEGAPIXELS = 100.0


def batches(samples: Any, card: Card) -> Iterator[Tensor]:
    """Batches of at most `card.batch_size` samples; only one batch of files is held at a time.

    Raises:
        DataError: a file is not a readable image, or an array has a wrong shape, type or value.
    """
    given, size = card.input, card.batch_size
    if isinstance(given, FeatureInput):
        yield from _features(samples, given).split(size)
        return
    if isinstance(samples, str | os.PathLike | Image.Image):
        samples = [samples]
    if isinstance(samples, np.ndarray | Tensor) or _are_arrays(samples):
        yield from _array_batches(samples, given, size)
        return
    samples = list(samples)
    for start in range(0, len(samples), size):
        read = read_images(samples[start : start + size], given)
        for image in read:
            if isinstance(image, Unreadable):
                raise image
        yield torch.stack([image for image in read if isinstance(image, Tensor)])


def read_images(samples: Sequence[Any], given: ImageInput) -> list[Tensor | Unreadable]:
    """Squares uint8 [C, S, S] of paths or PIL images, or why a file cannot be read."""

    def read(sample: Any) -> Tensor | Unreadable:
        try:
            return _read(sample, given)
        except Unreadable as error:
            return Unreadable(f"Cannot read the image {sample}: {error}.")

    with own_limit(MAX_MEGAPIXELS), ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(read, samples))


def _read(sample: Any, given: ImageInput) -> Tensor:
    if isinstance(sample, Image.Image):
        return _tensor(square_of(sample, given.size), given)
    if not isinstance(sample, str | os.PathLike):
        raise DataError(
            f"{shown(sample)} is neither a path nor an image of PIL. Give a list of these, or an "
            "array uint8 [N, height, width, 3]."
        )
    return _tensor(read_square(Path(sample), given.size, MAX_MEGAPIXELS), given)


def _array_batches(samples: Any, given: ImageInput, size: int) -> Iterator[Tensor]:
    images = samples_of(samples, "images")
    if images.ndim == 2:
        raise DataError("This model takes images, and was given numbers [N, D].")
    for part in images.split(size):
        if part.shape[1:] == (given.channels, given.size, given.size):
            yield part
        else:
            yield torch.stack([_resized(image, given) for image in part])


def _resized(image: Tensor, given: ImageInput) -> Tensor:
    pixels = image.permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels[:, :, 0] if len(image) == 1 else pixels)
    return _tensor(square_of(picture, given.size), given)


def _tensor(square: NDArray[np.uint8], given: ImageInput) -> Tensor:
    if given.channels == 1:
        square = np.asarray(Image.fromarray(square.transpose(1, 2, 0)).convert("L"))[None]
    return torch.from_numpy(square.copy())


def _features(samples: Any, given: FeatureInput) -> Tensor:
    if isinstance(samples, str | os.PathLike | Image.Image):
        raise DataError(
            "This model was trained on features, not on images. Give numbers "
            f"[N, {given.dimension}], made as those of the training were."
        )
    features = samples_of(samples, "features")
    if features.ndim != 2 or features.shape[1] != given.dimension:
        raise DataError(
            f"features is of shape {list(features.shape)}, and this model takes "
            f"[N, {given.dimension}]."
        )
    return features


def _are_arrays(samples: Any) -> bool:
    first = next(iter(samples), None) if isinstance(samples, Sequence) else None
    return isinstance(first, np.ndarray | Tensor | list | tuple)
