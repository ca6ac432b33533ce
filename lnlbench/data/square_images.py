"""Decode an image file of any size into one small square image."""

import math
import os
import stat
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from lnlbench.data.bit_depth import bits_per_channel
from lnlbench.errors import DataError

RULE = "shorter side scaled to {size} pixels (bilinear, antialiased), middle square kept"
_LONGEST_REASON = 200
_DO_NOT_WAIT = getattr(os, "O_NONBLOCK", 0)  # Windows has neither the flag nor pipes with names
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unreadable(DataError):
    """A file is not a usable image; the message is the reason."""


class Refused(Unreadable):
    """The system did not let the file be read: its permissions or the disk, not its content."""


def read_square(file: Path, size: int, max_megapixels: float) -> NDArray[np.uint8]:
    """One image as uint8 [3, size, size]: upright by its EXIF tag, first frame, alpha left out.

    Raises:
        Unreadable: the file is damaged, not an image, too large, or has more than 8 bits a channel.
        Refused: the system did not let it be read.
    """
    try:
        with _opened(file) as stream, Image.open(stream, formats=_formats()) as image:
            _check_header(image, stream, max_megapixels)
            return square_of(image, size)
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not an image, or of an unknown format") from error
    except Image.DecompressionBombError as error:
        reason = f"holds an image of more than twice max_megapixels={max_megapixels:g}"
        raise Unreadable(reason) from error
    except OSError as error:
        # Pillow's own errors have no number.
        raise (Unreadable if error.errno is None else Refused)(_reason(error)) from error
    except Exception as error:  # a decoder may raise anything; it means only this file
        raise Unreadable(_reason(error)) from error


def square_of(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """An opened image in the same way, uint8 [3, size, size]."""
    turn = _turn(image)
    upright = image if image.mode == "RGB" else image.convert("RGB")
    if turn is not None:
        upright = upright.transpose(turn)
    square = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(square).transpose(2, 0, 1)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    # Open without blocking: a pipe with this name would make the reader wait for a writer.
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | _DO_NOT_WAIT)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise Unreadable("not a regular file")
        yield stream


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    # Pillow hands EPS, which is a program, to Ghostscript.
    return tuple(name for name in Image.ID if name != "EPS")


def _check_header(image: Image.Image, stream: BinaryIO, max_megapixels: float) -> None:
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise Unreadable(
            f"{image.width}x{image.height} pixels, {megapixels:.0f} megapixels, more than "
            f"max_megapixels={max_megapixels:g}"
        )
    bits = bits_per_channel(image, stream)
    if bits > 8:
        raise Unreadable(f"{bits} bits a channel, more than 8 bits a channel are not read")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """The operation that makes the image upright; None if its metadata cannot be read."""
    image.load()  # a format may turn its pixels itself, and then forgets the tag
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return _TURNS.get(int(orientation))
    except Exception:  # the pixels may be fine despite odd metadata
        return None


def _reason(error: Exception) -> str:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return textwrap.shorten(said, _LONGEST_REASON) or type(error).__name__


@contextmanager
def own_limit(max_megapixels: float) -> Iterator[None]:
    """Replace Pillow's own limit, also for images inside an image file; restores it afterwards."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = math.ceil(max_megapixels * 1e6)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
