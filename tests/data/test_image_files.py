"""Image files beside the tensor that they stand for: what they hold, and what is known of it."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamed import SHAPE, decode, held_dataset, streamed_dataset

from lnlbench import DataSource, Params
from lnlbench.cli.report import pictured
from lnlbench.data.image_files import ImageFiles
from lnlbench.errors import DataError
from lnlbench.spec import content
from lnlbench.spec.content import content_sha256
from lnlbench.testing import check_dataset


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LNLBENCH_WORKERS", "0")


@pytest.fixture
def held():
    return held_dataset()


@pytest.fixture
def streamed(held, tmp_path):
    return streamed_dataset(held, tmp_path / "data")


def test_the_content_of_files_is_that_of_the_tensor_and_is_read_once(held, streamed, monkeypatch):
    sha256 = content_sha256(held)
    assert content_sha256(streamed) == sha256
    with monkeypatch.context() as patched:
        patched.setattr(ImageFiles, "read", None)
        assert content_sha256(streamed) == sha256
    file = streamed.train_images.file(0)
    pixels = bytearray(file.read_bytes())
    pixels[0] += 1
    file.write_bytes(pixels)
    os.utime(file, ns=(1, 1))  # whatever the clock's resolution is
    assert content_sha256(streamed) != sha256


def test_labels_are_part_of_what_is_remembered(held, streamed):
    content_sha256(streamed)
    other = {"train_labels": held.train_labels.roll(1)}
    assert content_sha256(replace(streamed, **other)) == content_sha256(replace(held, **other))


def test_a_damaged_memory_of_the_content_is_made_again(held, streamed, tmp_path):
    sha256 = content_sha256(streamed)
    [file] = (tmp_path / "cache" / "facts").iterdir()
    file.write_text("{")
    assert content_sha256(streamed) == sha256
    assert sha256 in file.read_text()


def test_image_files_look_like_the_tensor_they_stand_for(held, streamed):
    images, files = held.train_images, streamed.train_images
    assert (files.shape, files.dtype, files.ndim) == (images.shape, images.dtype, images.ndim)
    assert len(files) == len(images)
    index = torch.tensor([5, 0, 199])
    for rows in (slice(3, 9), slice(0), slice(-2, None), index, index[:0]):
        assert files[rows].shape == images[rows].shape
        assert torch.equal(files[rows].read(), images[rows])
    assert files[index].file(2) == files.file(199)
    assert "199.bin" not in str(vars(files[index[:2]]))  # what is not chosen cannot be followed to
    assert content._problem(streamed) == ""


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff.bin"), "a\nb.bin"])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_any_name_of_a_file_is_kept(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(bytes(range(192)))
    images = ImageFiles([file, str(file)], decode, SHAPE, "")
    assert [images.file(0), images.file(1)] == [file, file]
    assert images.read([1])[0, 2, 7, 7] == 191


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 3), np.uint8), np.zeros(SHAPE, np.float32)], ids=["shape", "type"]
)
def test_an_image_of_another_shape_or_type_is_refused_by_name(tmp_path, image):
    images = ImageFiles([tmp_path / "x"], lambda file: image, SHAPE, "")
    with pytest.raises(DataError, match=r"image .*x was decoded to .*, not uint8 \[3, 8, 8\]"):
        images.read([0])


def random_pixels(file):
    return np.random.default_rng().integers(0, 256, SHAPE, np.uint8)


def test_files_that_are_read_otherwise_each_time_fail_the_checks_of_a_plugin(held, tmp_path):
    data = streamed_dataset(replace(held, name="random"), tmp_path / "data", random_pixels)
    source = DataSource("random", "random pixels", Params, lambda settings: data)
    with pytest.raises(AssertionError, match="Loaded twice, the data differ"):
        check_dataset(source)


def test_a_thumbnail_is_read_from_its_file(held, streamed):
    one, other = (pictured(data) for data in (held, streamed))
    assert np.array_equal(one.image(4), other.image(4))
    assert np.array_equal(one.image(4), held.train_images[4].numpy())
