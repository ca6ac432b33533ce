"""Folders of images: classes, splits and settings, wrong layouts, and that runs are repeatable."""

import json
import shutil

import numpy as np
import pytest
import torch
from folders import dataset, red_and_blue, write
from lnlbench_image_folder import register_datasets
from lnlbench_image_folder.decoding import read_square
from PIL import Image

from lnlbench.errors import DataError, LnlbenchError, UsageError
from lnlbench.spec.provided import ProvidedData
from lnlbench.testing import check_dataset


@pytest.fixture
def root(tmp_path):
    return red_and_blue(tmp_path / "data")


def test_the_data_set_passes_its_checks(root):
    [source] = register_datasets()
    check_dataset(source, {"root": str(root)})


def test_folders_give_classes_splits_and_sizes(root):
    (root / "train" / "red" / ".DS_Store").write_bytes(b"x")
    data = dataset(root, image_size=16)
    assert data.classes == ("blue", "red")
    assert data.train_images.shape == (8, 3, 16, 16)
    assert data.train_images.dtype == torch.uint8
    assert data.train_labels.tolist() == [0] * 4 + [1] * 4
    assert data.test_labels.tolist() == [0, 1]
    assert data.train_images[4:, 0].min() == 200
    assert data.train_images[4:, 2].max() == 0
    assert torch.equal(data.human_labels["given"], data.train_labels)
    assert not data.truth_known
    assert "16 pixels (bilinear, antialiased)" in data.notes[0]


@pytest.mark.parametrize("name", ["@eaDir", "__MACOSX", ".ipynb_checkpoints", "#recycle"])
def test_folders_that_systems_add_are_no_classes(root, name):
    for place in (root, root / "train", root / "test", root / "train" / "red"):
        write(place / name / "red" / "thumb.png", (1, 1, 1))
    for file in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (root / "train" / file).write_bytes(b"x")
    data = dataset(root)
    assert data.classes == ("blue", "red")
    assert len(data.train_labels) + len(data.test_labels) == 10


def test_notes_name_the_classes_and_two_spellings_of_one(root):
    write(root / "train" / "red " / "a.png", (250, 0, 0))
    notes = dataset(root).notes
    assert "3 classes: blue (4), red (4), red  (1)" in notes
    assert any("'red' and 'red '" in note for note in notes)


def test_a_test_class_with_another_spelling_is_named(root):
    (root / "test" / "red").rename(root / "test" / "Red ")
    with pytest.raises(DataError, match=r"Is 'red' meant\? 'Red ' is another spelling of it\."):
        dataset(root)


def test_mean_and_deviation_are_of_the_training_images(root):
    data = dataset(root)
    values = data.train_images.double() / 255
    np.testing.assert_allclose(data.mean, values.mean((0, 2, 3)), atol=1e-4)
    deviation = values.std((0, 2, 3), unbiased=False).clamp(min=1 / 255)
    np.testing.assert_allclose(data.std, deviation, atol=1e-4)


def test_the_middle_square_of_the_upright_image_is_kept(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255  # a white square in the middle of a black strip
    tagged = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
    exif = tagged.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    tagged.save(tmp_path / "turned.png", exif=exif)
    assert read_square(tmp_path / "turned.png", 10, 1).min() > 200


def test_held_out_images_are_the_same_wherever_the_folder_lies(root, tmp_path):
    shutil.rmtree(root / "test")
    with pytest.raises(DataError, match=r"--set-data test_share=0\.2"):
        dataset(root)
    one = dataset(root, test_share=0.4)
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    other = dataset(moved, test_share=0.4)
    assert 0 < len(one.test_labels) < 8
    assert torch.equal(one.test_images, other.test_images)


def test_a_second_test_split_is_refused(root):
    with pytest.raises(DataError, match="Leave test_share out"):
        dataset(root, test_share=0.5)


def test_an_empty_class_is_an_error(root):
    (root / "train" / "green").mkdir()
    with pytest.raises(DataError, match=r"Classes without an image in .*green"):
        dataset(root)


@pytest.mark.parametrize("target", [".", "..", "loop", "gone"])
def test_links_that_lead_in_a_circle_or_nowhere_are_errors(root, target):
    (root / "train" / "red" / "loop").symlink_to(target)
    with pytest.raises(DataError, match=r"loop.*(in a circle|nowhere)"):
        dataset(root)


def test_links_to_other_folders_are_followed(root, tmp_path):
    write(tmp_path / "more" / "x.png", (255, 0, 0))
    (root / "train" / "red" / "more").symlink_to(tmp_path / "more")
    assert len(dataset(root).train_labels) == 9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: shutil.rmtree(root), "is not a folder"),
        (lambda root: shutil.rmtree(root / "train"), r"no folder 'train' \(it holds test\)"),
        (lambda root: shutil.rmtree(root / "train" / "red"), "at least two"),
        (lambda root: write(root / "train" / "x.png", 0), "lies beside the class folders"),
        (lambda root: write(root / "test" / "rde" / "x.png", 0), "class that .* does not have"),
    ],
)
def test_a_wrong_layout_is_explained(root, change, reason):
    change(root)
    with pytest.raises(DataError, match=reason):
        dataset(root)


def test_changed_files_are_read_again(root):
    before = dataset(root)
    write(root / "train" / "red" / "0.png", (1, 2, 3), (50, 50))
    assert not torch.equal(before.train_images, dataset(root).train_images)


def test_a_spec_says_which_data_and_not_where_they_lie(root, tmp_path):
    sources = {source.name: source for source in register_datasets()}
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    here = ProvidedData(sources, {"root": str(root)}).load("image-folder")
    there = ProvidedData(sources, {"root": str(moved)}).load("image-folder")
    assert here.spec == there.spec
    assert str(tmp_path) not in json.dumps(here.spec.model_dump())
    small = ProvidedData(sources, {"root": str(root), "image_size": 16}).load("image-folder")
    assert small.spec.sha256 != here.spec.sha256
    assert small.spec.settings["image_size"] == 16
    write(moved / "train" / "red" / "0.png", (9, 9, 9), (50, 50))
    changed = ProvidedData(sources, {"root": str(moved)})
    with pytest.raises(DataError, match="are not those of this run"):
        changed.load_pinned("image-folder", here.spec, {})


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "Parameter 'root' of data set 'image-folder'.* is missing"),
        ({"root": "x", "size": 3}, "Data set 'image-folder' has no parameter 'size'"),
        ({"root": "x", "image_size": 3}, "was given 3"),
    ],
)
def test_wrong_settings_are_explained(settings, reason):
    sources = {source.name: source for source in register_datasets()}
    with pytest.raises(UsageError, match=reason):
        ProvidedData(sources, settings).load("image-folder")


@pytest.mark.cifar
def test_three_methods_train_on_3000_images_of_two_sizes(tmp_path):
    from lnlbench.data import load_dataset
    from lnlbench.plugins import Origin, load_plugins
    from lnlbench.runner.options import RunOptions
    from lnlbench.runner.series import Series
    from lnlbench.spec.run_data import RunData
    from lnlbench.spec.run_spec import build_spec

    try:
        cifar = load_dataset("cifar100-coarse", download=False)
    except LnlbenchError as reason:
        pytest.skip(str(reason))
    for number in range(3000):
        part = "train" if number < 2500 else "test"
        label = cifar.classes[cifar.train_labels[number]]
        image = Image.fromarray(cifar.train_images[number].permute(1, 2, 0).numpy())
        file = tmp_path / "data" / part / label / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        (image if number % 2 else image.resize((48, 40))).save(file)
    plugins = load_plugins()
    if "image-folder" not in plugins.datasets:  # run from a checkout that is not installed
        [source] = register_datasets()
        plugins.datasets[source.name] = source
        plugins.dataset_origins[source.name] = Origin("lnlbench-image-folder", "0", "test")
    data = RunData(plugins, settings={"root": str(tmp_path / "data")})
    pinned = data.overrides("image-folder", "given")
    overrides = {"dataset": "image-folder", "noise": "given", "epochs": 2, **pinned}
    names = ("ce", "co-teaching", "dividemix")
    specs = [build_spec(plugins.method(name), "digits", overrides=overrides) for name in names]
    series = Series(plugins, tmp_path, data, RunOptions())
    for outcome in series.execute(specs, quiet=True, machine=False):
        assert outcome.result.status == "done", outcome.result.error
        assert outcome.result.data.num_train == 2500
        assert outcome.result.data.noise_rate is None
        assert (outcome.result.scores.test_accuracy_last or 0) > 0.07
