"""Tables of images: columns, encodings and formats, and wrong rows by their numbers."""

import importlib.util
import os

import pandas as pd
import pytest
from folders import dataset, red_and_blue, write

from lnlbench.errors import DataError


@pytest.fixture
def root(tmp_path):
    return red_and_blue(tmp_path / "data")


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
