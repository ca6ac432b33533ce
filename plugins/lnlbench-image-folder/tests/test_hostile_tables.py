"""Tables whose rows name no file, one file twice, or that are no files themselves."""

import os

import pandas as pd
import pytest
import torch
from hostile import cats_and_dogs, dataset

from lnlbench.errors import DataError


@pytest.fixture
def root(tmp_path):
    return cats_and_dogs(tmp_path / "data")


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
