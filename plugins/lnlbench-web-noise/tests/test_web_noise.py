"""The data sets in their published layouts: what is read, and what is refused by its name."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
import web_noise_fakes as fakes
from lnlbench_web_noise import _SETS, register_datasets
from lnlbench_web_noise.build import build
from lnlbench_web_noise.listing import list_present

from lnlbench.errors import DataError
from lnlbench.interface.params import validate_params
from lnlbench.testing import check_dataset

SOURCES = {source.name: source for source in register_datasets()}
# How to write each, and the settings that it needs.
FAKES = {
    "animal10n": (fakes.animal10n, {}),
    "clothing1m": (fakes.clothing1m, {"image_size": 8}),
    "mini-webvision": (fakes.webvision, {"image_size": 8, "classes": 3}),
    "mini-imagenet-red": (fakes.controlled, {"image_size": 8}),
    "food101n": (fakes.food101n, {"image_size": 8}),
}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def read(name, root, published=None, **settings):
    """The listing and the data set of fakes; `published` are their own counts."""
    module = import_module(f"lnlbench_web_noise.{_SETS[name][0]}")
    asked = {**FAKES.get(name, (None, {"image_size": 8}))[1], "root": str(root), **settings}
    params = validate_params(name, SOURCES[name].params, asked, kind="data set")
    listing = module.read(name, params, published or module.PUBLISHED)
    return listing, build(name, listing, params)


@pytest.mark.parametrize("name", FAKES)
def test_the_published_layout_is_read_and_counted(name, tmp_path):
    write, settings = FAKES[name]
    counts = write(tmp_path)
    listing, dataset = read(name, tmp_path, counts)
    assert dataset.name == name and not dataset.truth_known
    assert len(dataset.train_labels) == len(listing.train) == max(counts.values())
    assert torch.equal(dataset.human_labels["given"], dataset.train_labels)
    assert not any("not the whole" in note for note in dataset.notes)
    given = {"root": str(tmp_path), "subset": True, **settings}
    check_dataset(SOURCES[name], given)


@pytest.mark.parametrize("name", FAKES)
def test_a_wrong_count_is_named_unless_a_subset_is_meant(name, tmp_path):
    write, _ = FAKES[name]
    counts = write(tmp_path)
    first = next(iter(counts))
    wrong = {**counts, first: counts[first] + 1}
    if name == "mini-webvision":
        settings = {"classes": 50}
        fakes.webvision(tmp_path, classes=48)
    else:
        settings = {}
    with pytest.raises(DataError, match="instead of") as refused:
        read(name, tmp_path, wrong, **settings)
    assert first in str(refused.value) and "subset=true" in str(refused.value)
    if name != "mini-webvision":
        _, dataset = read(name, tmp_path, wrong, subset=True)
        assert any(f"{counts[first]:,} instead of" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("clothing1m", "images/3/03/3,31.jpg"),
        ("mini-webvision", "google/q0002/1.jpg"),
        ("mini-webvision", "val_images_256/val000001.jpg"),
        ("mini-imagenet-red", "mini-imagenet/all_images/0000000000000005.jpg"),
        ("mini-imagenet-red", "mini-imagenet/validation/3/ILSVRC2012_val_00000003.jpg"),
        ("food101n", f"Food-101N_release/images/dish_007/{7:032x}.jpg"),
        ("food101n", "food-101/images/dish_002/1002.jpg"),
    ],
)
def test_a_missing_image_is_named(name, file, tmp_path):
    write, _ = FAKES[name]
    counts = write(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match="images are missing") as refused:
        read(name, tmp_path, counts)
    assert Path(file).name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("clothing1m", "noisy_train_key_list.txt"),
        ("clothing1m", "clean_label_kv.txt"),
        ("clothing1m", "category_names_eng.txt"),
        ("mini-webvision", "info/val_filelist.txt"),
        ("mini-webvision", "info/synsets.txt"),
        ("mini-imagenet-red", "mini-imagenet/split/clean_validation"),
        ("mini-imagenet-red", "mini-imagenet/split/red_noise_nl_0.2"),
        ("food101n", "Food-101N_release/meta/classes.txt"),
        ("food101n", "Food-101N_release/meta/verified_val.tsv"),
    ],
)
def test_a_missing_list_is_named(name, file, tmp_path):
    write, _ = FAKES[name]
    counts = write(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match="Cannot read the list") as refused:
        read(name, tmp_path, counts)
    assert Path(file).name in str(refused.value)


@pytest.mark.parametrize("name", FAKES)
def test_another_folder_is_refused_with_what_was_looked_for(name, tmp_path):
    with pytest.raises(DataError, match="not a folder of this data set"):
        read(name, tmp_path)


def test_animal10n_reads_labels_from_names_and_inside_the_archives_folders(tmp_path):
    counts = fakes.animal10n(tmp_path / "raw_image_ver" / "raw_image")
    listing, dataset = read("animal10n", tmp_path, counts, image_size=8)
    assert dataset.classes[5] == "jaguar"
    assert all(int(Path(file).name[0]) == label for file, label in listing.train)
    odd = tmp_path / "raw_image_ver" / "raw_image" / "training" / "cat.jpg"
    fakes.image(odd, 3)
    with pytest.raises(DataError, match="does not begin with a label"):
        read("animal10n", tmp_path, counts)


def test_clothing1m_says_how_many_noisy_labels_are_wrong(tmp_path):
    counts = fakes.clothing1m(tmp_path, train=26, lists="annotations")
    _, dataset = read("clothing1m", tmp_path, counts)
    # Four images have both labels: noisy 12, 13, 0, 1 and clean 0, 1, 2, 3.
    assert any("100.0 % of the noisy labels are wrong among the 4" in n for n in dataset.notes)
    assert dataset.classes[3] == "Garment 3"


def test_clothing1m_is_found_without_the_folder_images(tmp_path):
    counts = fakes.clothing1m(tmp_path, images="")
    listing, _ = read("clothing1m", tmp_path, counts)
    assert listing.train[0][0] == f"{tmp_path}/0/00/0,01.jpg"


@pytest.mark.parametrize("line", ["images/0/00/0,01.jpg", "images/0/00/0,01.jpg 14", "x -1"])
def test_a_line_without_a_label_is_named_by_its_number(line, tmp_path):
    counts = fakes.clothing1m(tmp_path)
    file = tmp_path / "noisy_label_kv.txt"
    file.write_text(line + "\n" + file.read_text())
    with pytest.raises(DataError, match=r"line 1: .* is not NAME LABEL"):
        read("clothing1m", tmp_path, counts)


def test_a_key_without_a_label_is_named(tmp_path):
    counts = fakes.clothing1m(tmp_path)
    file = tmp_path / "noisy_label_kv.txt"
    file.write_text("\n".join(file.read_text().splitlines()[1:]) + "\n")
    with pytest.raises(DataError, match="no label for 1 keys, first 'images/0/00/0,01"):
        read("clothing1m", tmp_path, counts)


@pytest.mark.parametrize("prefix", ["google/", ""])
def test_webvision_keeps_the_first_classes_in_the_order_of_the_list(prefix, tmp_path):
    fakes.webvision(tmp_path, prefix=prefix)
    listing, dataset = read("mini-webvision", tmp_path)
    assert [label for _, label in listing.train] == [0, 1, 2] * 3
    assert dataset.classes == ("animal 0, other", "animal 1, other", "animal 2, other")
    assert any("the first 3 classes, not mini-WebVision's 50" in note for note in dataset.notes)


def test_webvision_tells_classes_of_one_name_apart(tmp_path):
    fakes.webvision(tmp_path)
    names = ["n02012849 crane", "n0144 tench, Tinca tinca", "n03126707 crane"]
    (tmp_path / "info" / "synsets.txt").write_text("\n".join(names))
    _, dataset = read("mini-webvision", tmp_path)
    assert dataset.classes == ("n02012849 crane", "tench, Tinca tinca", "n03126707 crane")


def test_a_folder_that_cannot_be_read_is_not_taken_for_a_missing_one(tmp_path):
    folder = tmp_path / "folder"
    folder.symlink_to(folder)  # a link to itself: the system refuses to follow it
    with pytest.raises(DataError, match="Cannot read the folder"):
        list_present((), {"training": [(f"{folder}/a.jpg", 0)], "test": []}, True, [])
    listing = list_present((), {"training": [(f"{tmp_path}/b/a.jpg", 0)], "test": []}, True, [])
    assert listing.train == []


@pytest.mark.parametrize("level", [0, 5, 10, 15, 20, 30, 40, 50, 60, 80])
@pytest.mark.parametrize("color", ["red", "blue"])
def test_every_level_has_the_list_of_the_authors(color, level, tmp_path):
    name = f"{color}_noise_nl_{level / 100}"
    counts = fakes.controlled(tmp_path, name, web=level if color == "red" else 0)
    published = counts if color == "red" else {"clean_validation": 10}
    listing, _ = read(f"mini-imagenet-{color}", tmp_path, published, level=level)
    said = " ".join(listing.notes)
    assert (f"{level}.0 % of the images are from the web" in said) == (color == "red")
    assert ("so it was not checked" in said) == (color == "blue")


def test_the_counts_of_the_red_lists_are_the_published_ones():
    from lnlbench_web_noise.controlled import PUBLISHED

    assert len(PUBLISHED) == 11
    assert sum(PUBLISHED.values()) == 6 * 50_000 + 49_985 + 50_010 + 49_962 + 50_008 + 5_000


def test_images_of_the_web_may_lie_in_a_folder_of_their_own(tmp_path):
    counts = fakes.controlled(tmp_path)
    base = tmp_path / "mini-imagenet"
    (tmp_path / "noisy_images").mkdir()
    for file in base.glob("all_images/0*.jpg"):
        file.rename(tmp_path / "noisy_images" / file.name)
    _, dataset = read("mini-imagenet-red", tmp_path, counts)
    assert len(dataset.train_labels) == 100


def test_food101n_says_what_the_verified_lists_show(tmp_path):
    counts = fakes.food101n(tmp_path)
    listing, dataset = read("food101n", tmp_path, counts)
    assert "25.0 % of the 8 verified labels are wrong" in listing.notes
    assert dataset.classes[:2] == ("dish_000", "dish_001")
    assert dataset.test_labels.tolist() == [0, 1, 2, 3, 4]


def test_food101_is_named_by_a_setting_or_said_to_be_missing(tmp_path):
    counts = fakes.food101n(tmp_path, beside="elsewhere")
    with pytest.raises(DataError, match="--set-data food101=DIR"):
        read("food101n", tmp_path, counts)
    _, dataset = read("food101n", tmp_path, counts, food101=str(tmp_path / "elsewhere"))
    assert len(dataset.test_labels) == 5


def test_an_unreadable_image_is_named_or_left_out(tmp_path):
    counts = fakes.animal10n(tmp_path)
    (tmp_path / "training" / "3_00013.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match="3_00013"):
        read("animal10n", tmp_path, counts)
    _, dataset = read("animal10n", tmp_path, counts, skip_unreadable=True)
    assert len(dataset.train_labels) == 19
    assert any("1 of 30 files cannot be used" in note for note in dataset.notes)


def test_streamed_images_are_the_same_as_held_ones(tmp_path):
    counts = fakes.clothing1m(tmp_path)
    _, held = read("clothing1m", tmp_path, counts, stream=False)
    _, streamed = read("clothing1m", tmp_path, counts, stream=True)
    assert (held.mean, held.std) == (streamed.mean, streamed.std)
    rows = torch.arange(len(held.train_labels))
    assert torch.equal(streamed.train_images.read(rows), held.train_images)


def test_a_run_says_that_it_had_a_subset(tmp_path, monkeypatch, capsys):
    from lnlbench.cli import main
    from lnlbench.plugins import loading

    fakes.animal10n(tmp_path / "data", train=40)
    monkeypatch.setenv("LNLBENCH_PLUGINS", "")
    if not any(name in loading.load_plugins().datasets for name in SOURCES):
        pytest.skip("the plugin is not installed as a distribution")
    arguments = ["run", "--track", "digits", "--method", "ce", "--epochs", "2", "--quiet"]
    arguments += ["--dataset", "animal10n", "--set-data", f"root={tmp_path / 'data'}"]
    arguments += ["--set-data", "subset=true", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["lnlbench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr().err
    [file] = (tmp_path / "leaderboards").rglob("*.json")
    result = json.loads(file.read_text())
    assert "training: 40 instead of 50,000" in " ".join(result["data"]["notes"])
    assert result["data"]["noise"] == "given" and result["data"]["noise_rate"] is None
