"""What all data sets have in common: counts, missing files, unreadable images, and runs."""

import json
import sys
from pathlib import Path

import pytest
import torch
import web_noise_fakes as fakes
from lnlbench_web_noise.listing import list_present
from published import FAKES, SOURCES, read

from lnlbench.errors import DataError
from lnlbench.testing import check_dataset


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


def test_a_folder_that_cannot_be_read_is_not_taken_for_a_missing_one(tmp_path):
    folder = tmp_path / "folder"
    folder.symlink_to(folder)  # a link to itself: the system refuses to follow it
    with pytest.raises(DataError, match="Cannot read the folder"):
        list_present((), {"training": [(f"{folder}/a.jpg", 0)], "test": []}, True, [])
    listing = list_present((), {"training": [(f"{tmp_path}/b/a.jpg", 0)], "test": []}, True, [])
    assert listing.train == []


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
