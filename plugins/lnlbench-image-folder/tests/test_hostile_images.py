"""Files that are no ordinary images: odd metadata, failing decoders, deep colors, pipes, names."""

import os
import struct
import subprocess
import zlib

import numpy as np
import pandas as pd
import pytest
import torch
from lnlbench_image_folder import Settings, load
from lnlbench_image_folder.decoding import Unreadable, decode, read_square
from PIL import EpsImagePlugin, Image, JpegImagePlugin

from lnlbench.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    for part, count in (("train", 3), ("test", 1)):
        for name, color in (("cat", (200, 0, 0)), ("dog", (0, 0, 200))):
            for number in range(count):
                file = folder / part / name / f"{number:03}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (12, 10), color).save(file)
    return folder


READINGS = pytest.mark.parametrize("stream", [False, True], ids=["held", "streamed"])


def dataset(root, **settings):
    return load(Settings(root=root, image_size=8, **settings))


def entry(tag, kind, count, value):
    return struct.pack("<HHI4s", tag, kind, count, value)


def exif(*entries):
    """An EXIF block, little-endian, of raw directory entries, followed by room for their values."""
    table = b"".join(entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    return b"Exif\0\0" + head + table + bytes(4) + struct.pack("<iiii", -1, -3, 0, 0) * 8


TURNED = entry(0x0112, 3, 1, b"\6\0\0\0")  # to be turned by 90 degrees clockwise
ODD_ENTRIES = {
    "signed rational": entry(0x011A, 5, 1, struct.pack("<I", 60)),
    "rational as text": entry(0x011A, 2, 4, b"abc\0"),
    "bytes as a number": entry(0x0100, 7, 4, b"\xff\0\xff\0"),
    "text as a long": entry(0x8769, 2, 4, b"xyz\0"),
    "directory outside": entry(0x8769, 4, 1, b"\xff\xff\xff\x7f"),
    "unknown type": entry(0x0110, 99, 1, b"\1\2\3\4"),
    "far too many": entry(0x0111, 4, 0x7FFFFFFF, b"\x40\0\0\0"),
    "double": entry(0x0132, 12, 1, struct.pack("<I", 60)),
}


def strip():
    """A red strip with a white square in its middle, 36 pixels wide and 12 high."""
    pixels = np.zeros((12, 36, 3), np.uint8)
    pixels[..., 0] = 255
    pixels[:, 12:24] = 255
    return Image.fromarray(pixels)


@READINGS
def test_images_with_odd_metadata_are_read(root, stream):
    photos = []
    for name, odd in ODD_ENTRIES.items():
        for kind in ("jpg", "png", "webp"):
            photos.append(root / "train" / "cat" / f"{name}.{kind}")
            turned = strip().transpose(Image.Transpose.ROTATE_90)
            turned.save(photos[-1], exif=exif(TURNED, odd))
    assert len(dataset(root, stream=stream).train_labels) == 6 + len(photos)
    for photo in photos:
        assert read_square(photo, 8, 1).min() > 200, f"the middle of {photo.name} is white"


def test_an_orientation_of_a_wrong_type_is_ignored(tmp_path):
    for number, odd in enumerate((b"xyz\0", b"\xff\xff\xff\xff", bytes(4))):
        file = tmp_path / f"{number}.jpg"
        strip().save(file, exif=exif(entry(0x0112, 2 if number else 7, 4, odd)))
        assert read_square(file, 8, 1).min() > 200


class Refuses:
    """A decoder that fails as `error` says."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *arguments, **settings):
        raise self.error


@READINGS
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("cannot decode"),
        NotImplementedError("unknown flags"),
        AssertionError(),
        struct.error("no number"),
        IndexError("no such plane"),
        MemoryError(),
        RecursionError("too deep"),
        ZeroDivisionError("nothing"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        RuntimeError("\x1b[2J" + "long" * 10_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_any_class_belongs_to_its_file(root, error, stream, monkeypatch):
    Image.new("RGB", (9, 9)).save(root / "train" / "cat" / "bad.jpg")
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", Refuses(error))
    with pytest.raises(
        DataError, match=r"1 of 9 files cannot be used:\s+train/cat/bad\.jpg: "
    ) as got:
        dataset(root, stream=stream)
    assert len(str(got.value)) < 1000
    data = dataset(root, stream=stream, skip_unreadable=True)
    assert len(data.train_labels) == 6
    assert any("1 unreadable files left out" in note and "bad.jpg" in note for note in data.notes)


def test_a_streamed_image_that_fails_later_is_named_whatever_is_raised(root, monkeypatch):
    Image.new("RGB", (9, 9)).save(root / "train" / "cat" / "late.jpg")
    data = dataset(root, stream=True)
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", Refuses(KeyError("table")))
    with pytest.raises(DataError, match=r"Cannot read the image .*late\.jpg"):
        data.train_images.read()


def png_chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


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


def test_an_icon_is_no_way_round_the_limit_of_pixels(tmp_path):
    file = tmp_path / "a.ico"
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    listed = struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 24, len(png), 22)
    file.write_bytes(struct.pack("<HHH", 0, 1, 1) + listed + png)
    with pytest.raises(Unreadable, match="max_megapixels=1"):
        decode(file, 8, 1)


def test_postscript_which_is_a_program_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", Refuses(SystemExit("it ran")))
    file = tmp_path / "a.png"
    file.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(Unreadable, match="not an image, or of an unknown format"):
        read_square(file, 8, 1)


@READINGS
def test_what_is_no_regular_file_is_named_and_left_out(root, stream, caplog):
    os.mkfifo(root / "train" / "cat" / "p.png")
    data = dataset(root, stream=stream)
    assert len(data.train_labels) == 6
    assert any("train/cat/p.png: not a regular file" in note for note in data.notes)
    assert "train/cat/p.png" in caplog.text


def test_a_pipe_in_the_place_of_an_image_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.png")
    with pytest.raises(Unreadable, match="not a regular file"):
        read_square(tmp_path / "p.png", 8, 1)


def test_a_folder_that_is_nested_deeper_than_python_recurses_is_read(root):
    place = os.open(root / "train" / "cat", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    try:
        assert len(dataset(root).train_labels) == 6
    finally:  # what cleans up after tests does recurse
        subprocess.run(["rm", "-r", root / "train" / "cat" / "d"], check=True)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_class_whose_name_is_not_utf_8_is_refused(root, part):
    (root / part / "dog").rename(root / part / os.fsdecode(b"caf\xe9"))
    if part == "test":
        (root / "train" / "dog").rename(root / "train" / os.fsdecode(b"caf\xe9"))
    with pytest.raises(DataError, match=r"not valid UTF-8.*Rename the folder"):
        dataset(root)


def table(root, *rows):
    columns = ["path", "label", "split"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "t.csv", index=False)
    return dataset(root, table="t.csv")


GOOD = (
    ("train/cat/000.png", "cat", "train"),
    ("train/dog/000.png", "dog", "train"),
    ("test/cat/000.png", "cat", "test"),
)


@pytest.mark.parametrize(
    "path", ["a" * 300 + ".png", "a/" * 3000 + "b.png", "nothing.png", "train", "train/cat/p.png"]
)
def test_a_row_whose_path_is_no_file_is_named(root, path):
    os.mkfifo(root / "train" / "cat" / "p.png")
    with pytest.raises(DataError, match=r"t\.csv, row 5: ") as caught:
        table(root, *GOOD, (path, "cat", "train"))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "path",
    [
        "./train/cat/000.png",
        "train/../train/cat/000.png",
        "train/cat/../cat/000.png",
        "../data/train/cat/000.png",
        "link/cat/000.png",
        "ABSOLUTE/train/cat/000.png",
    ],
)
def test_the_same_file_twice_is_refused_however_it_is_written(root, path):
    (root / "link").symlink_to("train")
    path = path.replace("ABSOLUTE", str(root))
    with pytest.raises(DataError, match=r"row 5: .*000\.png is in row 2 already"):
        table(root, *GOOD, (path, "dog", "test"))


def test_two_names_in_one_folder_are_two_files(root):
    (root / "train" / "cat" / "alias.png").symlink_to("000.png")
    data = table(root, *GOOD, ("train/cat/alias.png", "cat", "train"))
    assert data.train_labels.tolist() == [0, 1, 0]
    assert torch.equal(data.train_images[0], data.train_images[2])


@pytest.mark.parametrize("name", ["a" * 300, "t.csv"])
def test_a_table_that_is_no_file_is_named(root, name):
    if len(name) < 100:
        os.mkfifo(root / name)
    with pytest.raises(DataError, match="Cannot read the table"):
        dataset(root, table=name)
