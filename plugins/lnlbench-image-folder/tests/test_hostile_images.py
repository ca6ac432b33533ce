"""Files that are no ordinary images: odd metadata, failing decoders, pipes, and odd names."""

import os
import struct
import subprocess

import pytest
from hostile import READINGS, cats_and_dogs, dataset, entry, png_chunk, strip
from lnlbench_image_folder.decoding import Unreadable, decode, read_square
from PIL import EpsImagePlugin, Image, JpegImagePlugin

from lnlbench.errors import DataError


@pytest.fixture
def root(tmp_path):
    return cats_and_dogs(tmp_path / "data")


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
