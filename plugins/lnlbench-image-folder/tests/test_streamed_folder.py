"""Folders whose images are read while training: the same data, the same runs, the same errors."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from lnlbench_image_folder import Settings, decoding, images, load, register_datasets
from lnlbench_image_folder.decoding import decode, read_square
from PIL import Image

import lnlbench
from lnlbench.errors import DataError
from lnlbench.plugins import Origin, load_plugins
from lnlbench.runner.options import RunOptions
from lnlbench.runner.series import Series
from lnlbench.spec.provided import ProvidedData
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing import check_dataset


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv("LNLBENCH_WORKERS", "2")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def save(file, pixels, mode="RGB", **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file, **options)


@pytest.fixture
def root(tmp_path):
    """Noisy images of two classes in many formats, sizes and modes."""
    folder = tmp_path / "data"
    random = np.random.default_rng(0)
    formats = (
        ("a.png", "RGB"), ("b.jpg", "RGB"), ("c.jpg", "L"), ("d.jpg", "CMYK"), ("e.png", "RGBA"),
        ("f.gif", "P"), ("g.bmp", "RGB"), ("h.webp", "RGB"), ("i.tif", "RGB"), ("j.png", "1"),
    )  # fmt: skip
    for label in ("one", "two"):
        for part in ("train", "test"):
            for number, (name, mode) in enumerate(formats):
                height, width = random.integers(20, 90, 2)
                pixels = random.integers(0, 256, (height, width, 3), np.uint8)
                options = {}
                if name.endswith(("jpg", "png")):
                    exif = Image.Exif()
                    exif[0x0112] = 1 + number % 8
                    options = {"exif": exif}
                save(folder / part / label / name, pixels, mode, **options)
    return folder


def both(root, **settings):
    return (load(Settings(root=root, stream=stream, **settings)) for stream in (False, True))


def test_streamed_images_are_those_in_memory_to_the_last_bit(root):
    held, streamed = both(root)
    assert isinstance(streamed.train_images, lnlbench.ImageFiles)
    for part in ("train_images", "test_images"):
        assert torch.equal(getattr(streamed, part).read(), getattr(held, part))
    for part in ("train_labels", "test_labels"):
        assert torch.equal(getattr(streamed, part), getattr(held, part))
    for fact in ("classes", "mean", "std", "notes", "truth_known"):
        assert getattr(streamed, fact) == getattr(held, fact)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_an_image_is_turned_upright_as_pillow_turns_a_copy(tmp_path, orientation, mode):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    save(tmp_path / "x.jpg", pixels, mode, exif=exif)
    with Image.open(tmp_path / "x.jpg") as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    expected = ImageOps.fit(upright, (16, 16), Image.Resampling.BILINEAR)
    found = read_square(tmp_path / "x.jpg", 16, 1)
    assert np.array_equal(found, np.asarray(expected).transpose(2, 0, 1))


def test_a_spec_is_the_same_however_the_images_are_read(root):
    sources = {source.name: source for source in register_datasets()}
    loaded = [
        ProvidedData(sources, {"root": str(root), **stream}).load("image-folder")
        for stream in ({}, {"stream": False}, {"stream": True}, {"stream": "auto"})
    ]
    assert len({json.dumps(each.spec.model_dump()) for each in loaded}) == 1
    assert "stream" not in loaded[0].spec.settings
    assert "stream" not in loaded[0].locations
    assert loaded[2].locations["stream"] == "True"
    again = ProvidedData(sources, {}).load_pinned(
        "image-folder", loaded[0].spec, loaded[2].locations
    )
    assert isinstance(again.dataset.train_images, lnlbench.ImageFiles)


def test_the_data_set_passes_its_checks(root):
    [source] = register_datasets()
    check_dataset(source, {"root": str(root), "stream": True})


@pytest.mark.parametrize(
    ("free", "streams"),
    [(None, False), (40 * 3 * 32**2 * 5, False), (40 * 3 * 32**2 * 5 - 5, True)],
)
def test_unless_told_images_are_streamed_that_take_a_fifth_of_the_free_memory(
    root, monkeypatch, free, streams
):
    monkeypatch.setattr(images, "available_memory", lambda: free)
    found = load(Settings(root=root)).train_images
    assert isinstance(found, lnlbench.ImageFiles) is streams


def test_files_are_read_again_only_when_one_has_changed(root, monkeypatch):
    before = load(Settings(root=root, stream=True))
    with monkeypatch.context() as patched:
        patched.setattr(images, "read_squares", None)
        assert load(Settings(root=root, stream=True)).mean == before.mean
    save(root / "train" / "one" / "a.png", np.zeros((40, 40, 3), np.uint8))
    assert load(Settings(root=root, stream=True)).mean != before.mean


def test_which_are_for_training_is_part_of_what_is_remembered(root):
    shutil.rmtree(root / "test")
    for share in (0.2, 0.6):
        held, streamed = both(root, test_share=share)
        assert streamed.mean == held.mean
        assert len(streamed.train_images) == len(held.train_images)


def test_unreadable_files_are_named_and_skipped_alike(root, monkeypatch):
    monkeypatch.setattr(images, "_BLOCK", 7)  # several blocks
    (root / "train" / "one" / "f.gif").write_text("no image")
    (root / "test" / "two" / "b.jpg").write_bytes(b"")
    errors = []
    for stream in (False, True):
        with pytest.raises(DataError) as caught:
            load(Settings(root=root, stream=stream))
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert "2 of 40 files cannot be used" in errors[0]
    held, streamed = both(root, skip_unreadable=True)
    assert streamed.notes == held.notes
    assert (streamed.mean, streamed.std) == (held.mean, held.std)
    assert torch.equal(streamed.test_images.read(), held.test_images)


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_the_system_refused_is_read_by_the_next_run(root, monkeypatch, stream):
    settings = Settings(root=root, stream=stream, skip_unreadable=True)
    refused = root / "train" / "one" / "a.png"
    real = os.open

    def open_(path, *rest):
        if Path(path) == refused:  # a changed mode would not hinder root
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(decoding.os, "open", open_)
        for _ in range(2):
            notes = load(settings).notes
            [note] = [each for each in notes if each.startswith("1 unreadable files left out: ")]
            assert note.endswith(" train/one/a.png: Permission denied")
    assert len(load(settings).train_images) == 20
    with monkeypatch.context() as patched:
        patched.setattr(decoding.os, "open", open_)
        later = load(settings)
        assert len(later.train_images) == 20
        if stream:
            with pytest.raises(
                DataError, match=r"Cannot read the image .*a\.png: Permission denied"
            ):
                later.train_images.read([0])


def test_a_file_that_is_gone_is_named_without_a_traceback(root):
    streamed = load(Settings(root=root, stream=True)).train_images
    file = streamed.file(3)
    file.unlink()
    with pytest.raises(DataError) as caught:
        streamed.read([3])
    assert f"Cannot read the image {file}: No such file or directory. Put it" in str(caught.value)


def test_pillows_own_limit_does_not_apply_to_streamed_files(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(root / "train" / "one" / "a.png", 32, 1).shape == (3, 32, 32)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_runs_end_with_the_same_numbers(root, tmp_path):
    [source] = register_datasets()
    plugins = load_plugins()
    if source.name not in plugins.datasets:  # run from a checkout that is not installed
        plugins.datasets[source.name] = source
        plugins.dataset_origins[source.name] = Origin("lnlbench-image-folder", "0", "test")
    found = []
    for stream in (False, True):
        data = RunData(plugins, settings={"root": str(root), "stream": stream})
        overrides = {"dataset": source.name, "noise": "given", "epochs": 2, "batch_size": 4}
        overrides |= data.overrides(source.name, "given")
        spec = build_spec(plugins.method("ce"), "digits", overrides=overrides)
        output = tmp_path / str(stream)
        series = Series(plugins, output, data, RunOptions())
        [outcome] = series.execute([spec], quiet=True, machine=False)
        result = outcome.result.model_dump(mode="json")
        assert result["status"] == "done", result["error"]
        found.append({key: result[key] for key in ("fingerprint", "scores", "curves", "data")})
    assert found[0] == found[1]
