"""Collections for audits: all images with paths and labels, and nothing outside the folder."""

import numpy as np
import pandas as pd
import pytest
from lnlbench_image_folder import Settings, collect
from PIL import Image

from lnlbench.errors import DataError
from lnlbench.system.cells import guarded


def write(file, color):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 12), color).save(file)


@pytest.fixture
def root(tmp_path):
    for number in range(3):
        write(tmp_path / "photos" / "=red" / f"{number}.png", (200 + number, 0, 0))
        write(tmp_path / "photos" / "blue" / "deep" / f"{number}.png", (0, 0, 200 + number))
    return tmp_path / "photos"


def collected(root, **settings):
    return collect(Settings(root=root, image_size=8, **settings))


def test_a_folder_for_each_class_is_enough(root):
    (root / "notes.txt").write_text("x")
    (root / "empty").mkdir()
    (root / "@eaDir").mkdir()
    (root / "@eaDir" / "thumb.png").write_text("x")
    (root / "blue" / "broken.png").write_text("x")
    found = collected(root)
    assert found.paths[:3] == ("=red/0.png", "=red/1.png", "=red/2.png")
    assert found.labels == ("=red",) * 3 + ("blue",) * 4
    assert found.left_out == (
        ("empty", "a folder without an image"),
        ("notes.txt", "lies beside the class folders, so its label is unknown"),
    )
    pixels, unreadable = found.read([1, 3, 4])
    assert found.paths[3] == "blue/broken.png"
    assert pixels.shape == (3, 3, 8, 8)
    assert pixels[0, 0].min() == 201
    assert not pixels[1].any()
    assert unreadable == [(3, "not an image, or of an unknown format")]


def test_train_and_test_folders_are_both_read(root):
    for part in ("train", "test"):
        write(root.parent / "parts" / part / "red" / "a.png", (9, 0, 0))
        write(root.parent / "parts" / part / "blue" / "a.png", (0, 0, 9))
    found = collected(root.parent / "parts")
    expected = [f"{part}/{name}/a.png" for part in ("test", "train") for name in ("blue", "red")]
    assert sorted(found.paths) == expected
    assert found.clean_labels is None


def test_a_table_that_an_audit_wrote_is_read_as_it_was_meant(root, tmp_path):
    rows = [("=red/0.png", "blue", "=red"), ("blue/deep/1.png", "=red", "blue")]
    cells = [[guarded(cell) for cell in row] for row in rows]
    table = tmp_path / "labels.csv"
    pd.DataFrame(cells, columns=["path", "label", "given_label"]).to_csv(table, index=False)
    found = collected(root, table=table)
    assert found.paths == ("=red/0.png", "blue/deep/1.png")
    assert found.labels == ("blue", "=red")


@pytest.mark.parametrize("absolute", [True, False])
def test_a_table_that_leaves_the_folder_is_refused(root, tmp_path, absolute):
    write(tmp_path / "secret.png", (1, 2, 3))
    path = str(tmp_path / "secret.png") if absolute else "../secret.png"
    table = tmp_path / "labels.csv"
    pd.DataFrame({"path": ["=red/0.png", path], "label": ["a", "b"]}).to_csv(table, index=False)
    with pytest.raises(DataError, match=r"row 3: .*secret\.png lies outside the folder"):
        collected(root, table=table)


def test_the_identity_changes_with_a_file_and_with_the_size(root):
    before = collected(root).identity
    assert collected(root).identity == before
    assert collect(Settings(root=root, image_size=9)).identity != before
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(root / "blue" / "deep" / "1.png")
    assert collected(root).identity != before


def test_one_class_is_too_few(root):
    with pytest.raises(DataError, match=r"1 folder\(s\) with images \(deep\)"):
        collected(root / "blue")


def test_decisions_of_an_earlier_audit_come_along(root, tmp_path):
    table = tmp_path / "labels.csv"
    paths = ["blue/deep/0.png", "blue/deep/1.png"]
    frame = pd.DataFrame({"path": paths, "label": ["a", "b"], "decision": ["keep", ""]})
    frame.to_csv(table, index=False)
    assert collected(root, table=table).decisions == ("keep", "")
    frame[["path", "label"]].to_csv(table, index=False)
    assert collected(root, table=table).decisions is None
