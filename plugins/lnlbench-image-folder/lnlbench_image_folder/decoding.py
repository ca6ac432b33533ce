"""From image files of any size to one array of small square images."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lnlbench.errors import DataError

RULE = "shorter side scaled to {size} pixels (bilinear, antialiased), middle square kept"
_MANY = 2000


class Unreadable(DataError):
    """A file that is no usable image; the message is the reason."""


def read_square(file: Path, size: int, max_megapixels: float) -> np.ndarray:
    """One image as uint8 [3, size, size]: upright by its EXIF tag, first frame, alpha left out.

    Raises:
        Unreadable: the file is damaged, no image, too large, or has more than 8 bits a channel.
    """
    try:
        with Image.open(file) as image:
            megapixels = image.width * image.height / 1e6
            if megapixels > max_megapixels:
                raise Unreadable(
                    f"{image.width}x{image.height} pixels, {megapixels:.0f} megapixels, more than "
                    f"max_megapixels={max_megapixels:g}"
                )
            if image.mode.startswith(("I", "F")):
                raise Unreadable(f"pixels of mode {image.mode}, more than 8 bits a channel")
            ImageOps.exif_transpose(image, in_place=True)
            upright = image if image.mode == "RGB" else image.convert("RGB")
            square = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    except UnidentifiedImageError as error:
        raise Unreadable("not an image, or of an unknown format") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Unreadable(reason or str(error) or type(error).__name__) from error
    return np.asarray(square).transpose(2, 0, 1)


def decode(file: Path, size: int, max_megapixels: float) -> np.ndarray:
    """As `read_square`, whatever Pillow's own limit is: for files that are read one by one."""
    with _own_limit():
        return read_square(file, size, max_megapixels)


def read_squares(
    files: Sequence[Path], size: int, max_megapixels: float
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Images uint8 [N, 3, size, size], zero where unreadable, and the reason for each such one."""
    images = np.zeros((len(files), 3, size, size), np.uint8)
    unreadable: list[tuple[int, str]] = []

    def read(number: int) -> tuple[int, str] | None:
        try:
            images[number] = read_square(files[number], size, max_megapixels)
        except Unreadable as reason:
            return number, str(reason)
        return None

    if len(files) > _MANY:
        sys.stderr.write(f"Reading {len(files):,} images; later runs find them in the cache.\n")
    with _own_limit(), ThreadPoolExecutor(os.cpu_count()) as pool:
        unreadable += [found for found in pool.map(read, range(len(files))) if found is not None]
    return images, unreadable


@contextmanager
def _own_limit() -> Iterator[None]:
    """Pillow's own limit would refuse what `max_megapixels` allows; it is put back."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
