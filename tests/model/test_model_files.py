"""A model's folder: written in one step, read back the same, and refused when it is damaged."""

import json
import shutil

import numpy as np
import pytest
import torch
from cli import call, directory_of, snapshot, temporary_files
from models import SIZE, random_model
from safetensors.torch import load_file

import lnlbench
from lnlbench.errors import DataError, UsageError
from lnlbench.model import files
from lnlbench.model.files import load_model, save_model

RUN = ("run", "--track", "digits", "--method", "ce", "--limit-train", "200", "--epochs", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "model"
    save_model(random_model(), place)
    return place


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def images(count=5):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def weights_of(folder):
    [file] = folder.glob("*.safetensors")
    return file


def change(folder, **fields):
    file = folder / "model.json"
    document = json.loads(file.read_text())
    for place, value in fields.items():
        part = document
        *above, last = place.split("__")
        for name in above:
            part = part[name]
        part[last] = value
    file.write_text(json.dumps(document))


def test_a_model_that_is_read_back_predicts_the_same(folder):
    model, again = random_model(), load_model(folder)
    assert np.array_equal(model.predict_proba(images()), again.predict_proba(images()))
    assert {name: value.tolist() for name, value in model.tensors().items()} == {
        name: value.tolist() for name, value in load_file(weights_of(folder)).items()
    }


def test_equal_models_make_equal_folders(folder, tmp_path):
    save_model(load_model(folder), tmp_path / "again")
    assert {name: data for name, (data, _) in snapshot(folder).items()} == {
        name: data for name, (data, _) in snapshot(tmp_path / "again").items()
    }


def test_loading_leaves_the_random_numbers_alone(folder):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_is_replaced_on_request_alone(copy):
    before = snapshot(copy)
    with pytest.raises(UsageError, match=r"holds a model already.*--overwrite"):
        save_model(random_model(1), copy)
    assert snapshot(copy) == before
    (copy / "notes.txt").write_text("mine")
    save_model(random_model(1), copy, overwrite=True)
    expected = random_model(1).predict_proba(images())
    assert np.array_equal(load_model(copy).predict_proba(images()), expected)
    assert sorted(file.suffix for file in copy.iterdir()) == [".json", ".safetensors", ".txt"]


def test_a_replacement_that_fails_half_way_leaves_the_old_model(copy, monkeypatch):
    write = files.write_atomically

    def full(path, data):
        if path.name == "model.json":
            raise lnlbench.errors.RunError("No space left on device")
        write(path, data)

    expected = load_model(copy).predict_proba(images())
    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(lnlbench.errors.RunError):
        save_model(random_model(1), copy, overwrite=True)
    assert np.array_equal(load_model(copy).predict_proba(images()), expected)
    assert temporary_files(copy) == []


def cut(folder):
    file = weights_of(folder)
    file.write_bytes(file.read_bytes()[:-7])


def flip(folder):
    file = weights_of(folder)
    data = bytearray(file.read_bytes())
    data[-9] ^= 1
    file.write_bytes(data)


DAMAGE = {
    "cut off": (cut, "cut off or changed"),
    "one bit": (flip, "do not have the SHA-256"),
    "no weights": (lambda folder: weights_of(folder).unlink(), "Cannot read the weights"),
    "no JSON": (lambda folder: (folder / "model.json").write_text("{"), "is damaged"),
    "a list": (lambda folder: (folder / "model.json").write_text("[]"), "not as lnlbench writes"),
    "one class less": (lambda folder: change(folder, classes=["a", "b"]), "network 'small-cnn'"),
    "other network": (
        lambda folder: change(folder, architecture__name="resnet18"),
        "network 'resnet18'",
    ),
    "a network too many": (lambda folder: change(folder, networks=3), "tensors differ"),
    "a network less": (lambda folder: change(folder, networks=1), "tensor of no use"),
    "huge": (lambda folder: change(folder, input__size=10**9), "input.images.size"),
    "no features": (
        lambda folder: change(folder, input={"kind": "features", "dimension": 3}),
        "does not take this input",
    ),
    "channels": (
        lambda folder: change(folder, input__normalization__mean=[0.5]),
        "a number for each channel",
    ),
    "path": (lambda folder: change(folder, weights__file="../x.safetensors"), "weights.file"),
    "newer": (lambda folder: change(folder, format=2), "pip install --upgrade lnlbench"),
    "unknown field": (lambda folder: change(folder, code="import os"), "code"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_is_refused(copy, name):
    damage, said = DAMAGE[name]
    damage(copy)
    with pytest.raises(DataError) as error:
        load_model(copy)
    assert said in str(error.value)
    assert str(copy) in str(error.value)


def test_what_is_no_model_says_what_to_give(tmp_path, copy):
    with pytest.raises(UsageError, match=r"No such file.*lnlbench export"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no model\.json"):
        load_model(tmp_path / "empty")
    with pytest.raises(UsageError, match="--device 'tpu'"):
        load_model(copy, device="tpu")


def refused(*arguments):
    outcome = call(*arguments)
    assert outcome.code == 2, outcome.err
    assert "Traceback" not in outcome.err
    return outcome.err


def test_a_run_that_cannot_be_exported_says_what_to_do(tmp_path):
    output = ("--output", tmp_path / "model")
    assert "there is no such directory" in refused("export", tmp_path / "nowhere", *output)
    said = refused("export", tmp_path, *output)
    assert "neither spec.json nor an audit's summary.json" in said
    assert "'lnlbench run'" in said and "'lnlbench audit'" in said
    assert call(*RUN, "--quiet", "--output", tmp_path).code == 0
    directory = directory_of(tmp_path)
    assert f"lnlbench export {directory.path}" in refused("predict", directory.path, "a.png")
    (tmp_path / "model").write_text("a file")
    assert "is a file" in refused("export", directory.path, *output)
    (tmp_path / "model").unlink()
    checkpoint = directory.checkpoint_file.read_bytes()
    directory.checkpoint_file.unlink()
    said = refused("export", directory.path, *output)
    assert "its weights are gone" in said
    assert f"--resume {directory.path} --overwrite" in said
    directory.checkpoint_file.write_bytes(checkpoint[:-5])
    outcome = call("export", directory.path, *output)
    assert outcome.code == 1
    assert "is damaged" in outcome.err
    directory.result_file.unlink()
    said = refused("export", directory.path, *output)
    assert "is not finished" in said
    assert f"lnlbench run --resume {directory.path}" in said
    assert not (tmp_path / "model").exists()
