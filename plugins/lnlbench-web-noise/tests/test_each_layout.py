"""What is particular to the layout of each data set, and what is refused by its name."""

from pathlib import Path

import pytest
import web_noise_fakes as fakes
from published import read

from lnlbench.errors import DataError


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
