"""Folders and tables of images: what is read, what is refused, and that runs are repeatable."""

import importlib.util
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from lnlbench_image_folder import Settings, load, register_datasets
from lnlbench_image_folder.decoding import Unreadable, read_square
from PIL import Image

from lnlbench.errors import DataError, LnlbenchError, UsageError
from lnlbench.spec.provided import ProvidedData
from lnlbench.testing import check_dataset


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def write(file, color, size=(40, 30)):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(file)
    return file


@pytest.fixture
def root(tmp_path):
    """Two classes of plain images, some in a folder below, and a test split."""
    folder = tmp_path / "data"
    for number in range(4):
        write(folder / "train" / "red" / f"{number}.png", (200 + number, 0, 0))
        write(folder / "train" / "blue" / "deep" / f"{number}.jpg", (0, 0, 200 + number), (33, 64))
    write(folder / "test" / "red" / "a.png", (250, 0, 0))
    write(folder / "test" / "blue" / "b.png", (0, 0, 250))
    return folder


def dataset(root, **settings):
    return load(Settings(root=root, **settings))


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


def test_a_table_gives_labels_clean_labels_and_splits(root):
    rows = [
        ("train/red/0.png", "red", "red", "train"),
        ("train/red/1.png", "blue", "red", "train"),
        ("train/blue/deep/0.jpg", "blue", "blue", ""),
        ("test/red/a.png", "red", "", "test"),
    ]
    columns = ["path", "label", "clean_label", "split"]
    pd.DataFrame(rows, columns=columns).assign(photographer="x").to_csv(root / "t.csv", index=False)
    data = dataset(root, table="t.csv")
    assert data.human_labels["given"].tolist() == [1, 0, 0]
    assert data.train_labels.tolist() == [1, 1, 0]
    assert data.test_labels.tolist() == [1]
    assert data.truth_known


def test_a_table_of_a_spreadsheet_on_windows_is_read(root):
    rows = ["path;label;split", r"train\red\0.png;red;", r"train\blue\deep\0.jpg;blue;"]
    rows.append(r"test\red\a.png;red;test")
    (root / "t.csv").write_text("\r\n".join(rows), encoding="utf-8-sig")
    data = dataset(root, table="t.csv")
    assert data.train_labels.tolist() == [1, 0]
    assert data.test_labels.tolist() == [1]


@pytest.mark.skipif(os.sep != "/", reason="a name cannot hold a backslash here")
def test_a_backslash_in_the_name_of_a_file_stays(root):
    write(root / r"red\0.png", (7, 0, 0))
    write(root / "red" / "0.png", (9, 0, 0))
    rows = [r"red\0.png,a,train", "test/blue/b.png,b,train", "test/red/a.png,a,test"]
    (root / "t.csv").write_text("\n".join(["path,label,split", *rows]))
    assert dataset(root, table="t.csv").train_images[0, 0].max() == 7


def test_a_table_in_an_old_encoding_is_refused(root):
    (root / "t.csv").write_text("path,label\ntrain/red/0.png,café\n", encoding="latin-1")
    with pytest.raises(DataError, match=r"line 2 is not UTF-8 text \(byte 0xe9\)"):
        dataset(root, table="t.csv")


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_a_parquet_table_is_read(root):
    paths = ["train/red/0.png", "train/blue/deep/0.jpg", "test/red/a.png"]
    rows = {"path": paths, "label": [7, 10, 7], "split": ["train", "train", "test"]}
    pd.DataFrame(rows).to_parquet(root / "t.parquet")
    assert dataset(root, table="t.parquet").classes == ("7", "10")


def test_without_pyarrow_a_parquet_table_says_what_to_install(root, monkeypatch):
    def missing(*arguments):
        raise ImportError("no engine")

    (root / "t.parquet").touch()
    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(DataError, match="needs pyarrow: pip install pyarrow"):
        dataset(root, table="t.parquet")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,lable\ntrain/red/0.png,red\n", r"no column 'label'. Is 'lable' meant"),
        ("path,label,clean_lable\ntrain/red/0.png,red,red\n", "Is 'clean_lable' meant"),
        ("path,label\ntrain/red/9.png,red\n", r"row 2: .*9\.png is not a file"),
        ("path,label\ntrain/red/0.png,red\ntrain/red/0.png,blue\n", "in row 2 already"),
        ("path,label\ntrain/red/0.png,\n", "row 2: no label"),
        ("path,label,split\ntrain/red/0.png,red,valid\n", "split is 'valid'"),
        (
            "path,label,clean_label\ntrain/red/0.png,red,red\ntrain/red/1.png,red,\n",
            "1 of 2 training images have no clean_label",
        ),
        ("", r"Cannot read .*t\.csv: No columns"),
    ],
)
def test_a_wrong_table_is_refused_by_row(root, text, reason):
    (root / "t.csv").write_text(text)
    with pytest.raises(DataError, match=reason):
        dataset(root, table="t.csv")


def test_numeric_classes_are_in_the_order_of_their_numbers(root):
    rows = [("train/red/0.png", "10"), ("train/red/1.png", "9"), ("train/red/2.png", "009")]
    frame = pd.DataFrame(rows, columns=["path", "label"]).assign(split=["train"] * 3)
    frame.loc[3] = ("test/red/a.png", "9", "test")
    frame.to_csv(root / "t.csv", index=False)
    assert dataset(root, table="t.csv").classes == ("009", "9", "10")


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


def test_an_empty_class_is_an_error(root):
    (root / "train" / "green").mkdir()
    with pytest.raises(DataError, match=r"Classes without an image in .*green"):
        dataset(root)


def test_a_class_whose_every_image_is_unreadable_is_an_error(root):
    (root / "train" / "green").mkdir()
    (root / "train" / "green" / "a.png").write_text("no image")
    with pytest.raises(DataError, match="without a readable training image: green"):
        dataset(root, skip_unreadable=True)


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


def test_a_name_that_is_not_utf_8_is_read_and_reported(root):
    strange = root / "train" / "red" / os.fsdecode(b"\xff.png")
    write(strange, (255, 0, 0))
    assert len(dataset(root).train_labels) == 9
    strange.write_text("no image")
    notes = dataset(root, skip_unreadable=True).notes
    assert any(".png: not an image" in note for note in notes)


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
