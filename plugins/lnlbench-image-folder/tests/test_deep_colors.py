"""Colors of more than 8 bits a channel are reported in every format, and others are read."""

import struct
import zlib

import pytest
from hostile import READINGS, cats_and_dogs, dataset, entry, png_chunk, strip
from lnlbench_image_folder.decoding import Unreadable, read_square
from PIL import Image

from lnlbench.errors import DataError


@pytest.fixture
def root(tmp_path):
    return cats_and_dogs(tmp_path / "data")


def deep_png(file, color=2):
    channels = {2: 3, 4: 2, 6: 4}[color]
    header = struct.pack(">IIBBBBB", 4, 4, 16, color, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(4 * channels * 2)) * 4)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def deep_sgi(file, packed):
    header = struct.pack(">HBBHHHHII", 474, packed, 2, 3, 4, 4, 3, 0, 65535)
    file.write_bytes(header.ljust(512, b"\0") + bytes(4 * 4 * 3 * 2))


def deep_tiff(file):
    tags = [
        entry(256, 3, 1, b"\4\0\0\0"),
        entry(257, 3, 1, b"\4\0\0\0"),
        entry(258, 3, 3, struct.pack("<I", 200)),
        entry(259, 3, 1, b"\1\0\0\0"),
        entry(262, 3, 1, b"\2\0\0\0"),
        entry(273, 4, 1, struct.pack("<I", 208)),
        entry(277, 3, 1, b"\3\0\0\0"),
        entry(278, 3, 1, b"\4\0\0\0"),
        entry(279, 4, 1, struct.pack("<I", 96)),
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(tags) + bytes(4)
    file.write_bytes(head.ljust(200, b"\0") + struct.pack("<HHHH", 16, 16, 16, 0) + bytes(96))


def deep_jpeg_2000(file):
    Image.new("RGB", (16, 16)).save(file, "JPEG2000")
    data = bytearray(file.read_bytes())
    place = data.index(b"\xff\x4f\xff\x51") + 42
    data[place : place + 9 : 3] = bytes([15]) * 3
    file.write_bytes(data)


def deep_icon(file):
    inside = file.with_name("inside")
    deep_png(inside)
    png = inside.read_bytes()
    inside.unlink()
    listed = struct.pack("<BBBBHHII", 4, 4, 0, 0, 1, 48, len(png), 22)
    file.write_bytes(struct.pack("<HHH", 0, 1, 1) + listed + png)


DEEP = {
    "PNG": deep_png,
    "PNG with alpha": lambda file: deep_png(file, 6),
    "gray PNG with alpha": lambda file: deep_png(file, 4),
    "PPM": lambda file: file.write_bytes(b"P6 4 4 65535\n" + bytes(96)),
    "PPM of 10 bits": lambda file: file.write_bytes(b"P6 4 4 1023\n" + bytes(96)),
    "plain PPM": lambda file: file.write_bytes(b"P3 4 4 65535\n" + b"40000 " * 48),
    "SGI": lambda file: deep_sgi(file, 0),
    "packed SGI": lambda file: deep_sgi(file, 1),
    "TIFF": deep_tiff,
    "JPEG 2000": deep_jpeg_2000,
    "icon": deep_icon,
}


@READINGS
def test_colors_of_more_than_8_bits_a_channel_are_reported(root, stream):
    for name, make in DEEP.items():
        make(root / "train" / "cat" / f"{name}.png")
    data = dataset(root, stream=stream, skip_unreadable=True)
    assert len(data.train_labels) == 6
    with pytest.raises(DataError):
        dataset(root, stream=stream)
    for name in DEEP:
        with pytest.raises(Unreadable, match=r"1[06] bits a channel, more than 8"):
            read_square(root / "train" / "cat" / f"{name}.png", 8, 1)


@pytest.mark.parametrize("kind", ["bmp", "gif", "ppm", "png", "tif", "sgi", "jp2", "ico", "tga"])
def test_colors_of_8_bits_a_channel_are_read(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    strip().resize((32, 32)).save(file)
    assert read_square(file, 8, 1).shape == (3, 8, 8)


def test_a_bitmap_of_16_bits_a_pixel_has_5_a_channel_and_is_read(tmp_path):
    file = tmp_path / "a.bmp"
    header = struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 2, 2, 1, 16, 0, 8, 0, 0, 0, 0
    )
    file.write_bytes(header + b"\xff\x7f" * 4)
    assert read_square(file, 8, 1).min() == 255
