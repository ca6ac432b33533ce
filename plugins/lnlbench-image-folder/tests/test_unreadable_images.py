"""Images that cannot be read are named, and left out only on request."""

import os

import numpy as np
import pytest
from folders import dataset, red_and_blue, write
from lnlbench_image_folder.decoding import Unreadable, read_square
from PIL import Image

from lnlbench.errors import DataError


@pytest.fixture
def root(tmp_path):
    return red_and_blue(tmp_path / "data")


def truncated(file):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:2000])


def huge(file):
    Image.new("1", (20_000, 10_000)).save(file)


def deep(file):
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(file)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (truncated, "truncated"),
        (huge, "20000x10000 pixels, 200 megapixels, more than max_megapixels=100"),
        (deep, "more than 8 bits a channel"),
        (lambda file: file.write_text("no image"), "not an image, or of an unknown format"),
        (lambda file: file.write_bytes(b""), "not an image, or of an unknown format"),
    ],
    ids=["truncated", "huge", "16-bit", "text", "empty"],
)
def test_an_unreadable_file_is_named_and_skipped_only_on_request(root, make, reason):
    make(root / "train" / "red" / "bad.png")
    with pytest.raises(DataError) as caught:
        dataset(root)
    assert "1 of 11 files cannot be used" in str(caught.value)
    assert "train/red/bad.png: " in str(caught.value)
    assert reason in str(caught.value)
    assert "skip_unreadable=true" in str(caught.value)
    data = dataset(root, skip_unreadable=True)
    assert len(data.train_labels) == 8
    assert any("1 unreadable files left out" in note and "bad.png" in note for note in data.notes)


def test_only_max_megapixels_limits_and_pillows_limit_is_put_back(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow would refuse more than 200
    assert len(dataset(root, max_megapixels=0.01).train_labels) == 8
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(DataError, match=r"more than max_megapixels=0\.001"):
        dataset(root, max_megapixels=0.001)


def test_a_png_that_decodes_to_far_more_than_it_says_is_no_crash(root):
    file = root / "train" / "red" / "0.png"
    data = bytearray(file.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2  # the header's width and height
    file.write_bytes(data)
    with pytest.raises(Unreadable):
        read_square(file, 16, 10_000)


def test_a_class_whose_every_image_is_unreadable_is_an_error(root):
    (root / "train" / "green").mkdir()
    (root / "train" / "green" / "a.png").write_text("no image")
    with pytest.raises(DataError, match="without a readable training image: green"):
        dataset(root, skip_unreadable=True)


def test_a_name_that_is_not_utf_8_is_read_and_reported(root):
    strange = root / "train" / "red" / os.fsdecode(b"\xff.png")
    write(strange, (255, 0, 0))
    assert len(dataset(root).train_labels) == 9
    strange.write_text("no image")
    notes = dataset(root, skip_unreadable=True).notes
    assert any(".png: not an image" in note for note in notes)
