"""Predictions for files, PIL images and arrays: the same pixels give the same probabilities."""

import csv
import io
import os
import threading

import numpy as np
import pytest
import torch
from cli import call
from models import CLASSES, SIZE, random_model
from PIL import Image

from lnlbench.errors import DataError
from lnlbench.model.files import save_model
from lnlbench.model.inputs import read_images
from lnlbench.model.predictions import find_images


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture
def squares():
    shape = (9, SIZE, SIZE, 3)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def saved(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


def test_files_pictures_and_arrays_give_the_same(model, squares, tmp_path):
    paths = saved(tmp_path, squares)
    expected = model.predict_proba(squares)
    assert expected.shape == (9, 3)
    np.testing.assert_allclose(expected.sum(1), 1, atol=1e-6)
    pictures = [Image.fromarray(image) for image in squares]
    for given in (
        paths,
        map(str, paths),
        pictures,
        list(squares),
        torch.from_numpy(squares.transpose(0, 3, 1, 2)),
    ):
        assert np.array_equal(model.predict_proba(given), expected)
    assert model.predict(paths) == [CLASSES[k] for k in expected.argmax(1)]
    assert model.predict_proba([]).shape == (0, 3)
    np.testing.assert_allclose(model.predict_proba(paths[0]), expected[:1], atol=1e-6)


def test_the_mean_of_the_networks_logits_predicts(model, squares):
    tensors = torch.from_numpy(squares).permute(0, 3, 1, 2)
    inputs = (tensors.float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        logits = [network.eval()(inputs) for network in model._networks]
    expected = ((logits[0] + logits[1]) / 2).softmax(1).numpy()
    np.testing.assert_allclose(model.predict_proba(squares), expected, atol=1e-5)


def test_images_of_other_sizes_become_upright_squares(model, squares, tmp_path):
    large = squares[0].repeat(3, 0).repeat(3, 1)
    wide = np.concatenate([np.zeros_like(large), large, np.zeros_like(large)], axis=1)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    turned = Image.fromarray(wide).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise by a quarter
    turned.save(tmp_path / "turned.png", exif=exif)
    given = [tmp_path / "wide.png", tmp_path / "turned.png", Image.fromarray(large)]
    lying, upright, middle = read_images(given, model.card.input)
    assert torch.equal(lying, upright)
    # At its edges the scaling sees the black beside the square.
    assert torch.equal(lying[:, :, 1:-1], middle[:, :, 1:-1])
    pixels = torch.from_numpy(squares[0]).permute(2, 0, 1).float()
    alike = torch.corrcoef(torch.stack([middle.float().flatten(), pixels.flatten()]))[0, 1]
    assert alike > 0.9


def test_gray_and_color_images_fit_either_model(squares):
    gray = random_model(channels=1)
    plain = squares[:, :, :, 0]
    color = np.repeat(plain[..., None], 3, axis=3)
    assert np.array_equal(gray.predict_proba(plain), gray.predict_proba(color))
    colored = random_model()
    assert np.array_equal(colored.predict_proba(plain), colored.predict_proba(color))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((2, 5)), "takes images"),
        (np.zeros((2, 16, 16, 3)), "float64"),
        ([3], "neither a path nor an image"),
        (["nowhere.png"], "Cannot read the image nowhere.png"),
    ],
)
def test_what_is_no_image_is_refused(model, given, said):
    with pytest.raises(DataError, match=said):
        model.predict_proba(given)


def test_threads_may_share_a_model(model, squares):
    expected, found = model.predict_proba(squares), []
    threads = [
        threading.Thread(target=lambda: found.append(model.predict_proba(squares)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(each, expected) for each in found)
    assert len(found) == 4


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_command_writes_a_row_for_each_image(model, squares, tmp_path):
    save_model(model, tmp_path / "model")
    paths = saved(tmp_path / "photos" / "deep", squares)
    (tmp_path / "photos" / "@eaDir").mkdir()
    (tmp_path / "photos" / "@eaDir" / "thumb.png").write_bytes(paths[0].read_bytes())
    (tmp_path / "photos" / "readme.txt").write_text("no image")
    table = tmp_path / "table.csv"
    outcome = call(
        *("predict", tmp_path / "model", tmp_path / "photos", "--top", "2", "--output", table)
    )
    assert outcome.code == 0, outcome.err
    rows = rows_of(table.read_text())
    expected = model.predict_proba(paths)
    assert [row["path"] for row in rows] == [str(path) for path in paths]
    for row, shares in zip(rows, expected, strict=True):
        first, second = (-shares).argsort()[:2]
        assert (row["class"], row["class_2"]) == (CLASSES[first], CLASSES[second])
        assert float(row["probability"]) == pytest.approx(shares[first], rel=1e-4)
        assert float(row["probability_2"]) == pytest.approx(shares[second], rel=1e-4)
    assert set(rows[0]) == {"path", "class", "probability", "class_2", "probability_2"}


def test_unreadable_images_are_named_and_the_others_predicted(model, squares, tmp_path):
    save_model(model, tmp_path / "model")
    paths = saved(tmp_path / "photos", squares)
    paths[3].write_bytes(b"no image")
    pattern, missing = tmp_path / "photos" / "*.png", tmp_path / "nowhere.png"
    nothing = tmp_path / "none-*.png"
    outcome = call("predict", tmp_path / "model", pattern, missing, nothing, paths[0])
    assert outcome.code == 1
    rows = rows_of(outcome.out)
    assert [row["path"] for row in rows] == [str(p) for p in paths if p != paths[3]]
    for name in (paths[3], missing, nothing):
        assert str(name) in outcome.err
    expected = model.predict([path for path in paths if path != paths[3]])
    assert [row["class"] for row in rows] == expected


def test_folders_of_the_user_are_read_and_unreadable_ones_named(squares, tmp_path, monkeypatch):
    paths = [str(saved(tmp_path / name, squares[:1])[0]) for name in ("@home", "a")]
    saved(tmp_path / "@Recycle", squares[:1])
    assert find_images([str(tmp_path)]) == (paths, [])
    scan = os.scandir

    def refusing(folder):
        if str(folder).endswith("@home"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found, (unread,) = find_images([str(tmp_path)])
    assert found == paths[1:]
    assert "@home cannot be read (Permission denied)" in unread.reason


def test_nothing_to_predict_is_an_error_without_a_table(model, tmp_path):
    save_model(model, tmp_path / "model")
    table = tmp_path / "table.csv"
    outcome = call("predict", tmp_path / "model", tmp_path / "a.png", "--output", table)
    assert outcome.code == 2
    assert "a.png" in outcome.err
    assert "nothing to predict" in outcome.err
    assert not table.exists()
