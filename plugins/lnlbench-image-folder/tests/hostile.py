"""A folder of plain images, and parts from which tests make images that are not plain."""

import struct
import zlib

import numpy as np
import pytest
from lnlbench_image_folder import Settings, load
from PIL import Image

READINGS = pytest.mark.parametrize("stream", [False, True], ids=["held", "streamed"])


def cats_and_dogs(folder):
    """Two classes of three plain images, and a test split of one each."""
    for part, count in (("train", 3), ("test", 1)):
        for name, color in (("cat", (200, 0, 0)), ("dog", (0, 0, 200))):
            for number in range(count):
                file = folder / part / name / f"{number:03}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (12, 10), color).save(file)
    return folder


def dataset(root, **settings):
    return load(Settings(root=root, image_size=8, **settings))


def entry(tag, kind, count, value):
    return struct.pack("<HHI4s", tag, kind, count, value)


def strip():
    """A red strip with a white square in its middle, 36 pixels wide and 12 high."""
    pixels = np.zeros((12, 36, 3), np.uint8)
    pixels[..., 0] = 255
    pixels[:, 12:24] = 255
    return Image.fromarray(pixels)


def png_chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
