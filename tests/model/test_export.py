"""Exported models: the run's own accuracy, from a folder that needs neither run nor data."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from cli import call, directory_of, environment, stored
from frozen import FROZEN, weights_file
from pretrained import FLAGS as PRETRAINED
from pretrained import pretrained_file
from tiny import short_spec

import lnlbench
from lnlbench.data import load_dataset

SMALL = ("--track", "digits", "--limit-train", "200", "--epochs", "2", "--quiet")
FROZEN_FLAGS = ("--backbone", FROZEN["backbone"], "--frozen", "--image-size", "32")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cached(cache, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(cache))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return weights_file(tmp_path_factory.mktemp("weights"))


def done(*arguments):
    outcome = call(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome.out


def export(folder, *options):
    """Export the only run below a folder; returns the model's folder."""
    done("export", directory_of(folder).path, "--output", folder / "model", *options)
    return folder / "model"


def accuracy(model, count=500):
    """Of a model on the first test digits, from their pixels on, as a fraction."""
    data = load_dataset("digits")
    images = data.test_images[:count].permute(0, 2, 3, 1).numpy()
    hits = model.predict_proba(images).argmax(1) == data.test_labels[:count].numpy()
    return hits.astype(float).mean()


def last_accuracy(folder):
    return stored(folder)["scores"]["test_accuracy_last"]


@pytest.mark.parametrize(
    ("method", "networks"),
    [
        ("ce-ema", 1),
        ("dividemix", 2),
        ("forward-correction", 1),
        ("linear-probe", 1),
    ],
)
def test_a_model_has_the_accuracy_of_its_run(tmp_path, method, networks):
    done("run", "--method", method, *SMALL, "--output", tmp_path)
    model = lnlbench.load_model(export(tmp_path))
    assert model.card.networks == networks
    assert accuracy(model) == last_accuracy(tmp_path) == model.card.origin.test_accuracy


@pytest.mark.parametrize("method", ["dividemix", "linear-probe"])
def test_a_model_on_embeddings_holds_the_frozen_network(tmp_path, weights, method):
    flags = (*SMALL, *FROZEN_FLAGS, "--weights", weights)
    done("run", "--method", method, *flags, "--output", tmp_path)
    model = lnlbench.load_model(export(tmp_path, "--weights", weights))
    assert accuracy(model) == last_accuracy(tmp_path)
    assert model.card.input.frozen.network == FROZEN["backbone"]


def test_a_fine_tuned_model_has_the_accuracy_of_its_run(tmp_path):
    file = pretrained_file(tmp_path)
    flags = ("--limit-train", "100", "--epochs", "1", "--quiet")
    done(
        *("run", "--method", "ce", *PRETRAINED, *flags),
        *("--weights", file, "--output", tmp_path),
    )
    folder = export(tmp_path, "--weights", file)
    document = json.loads((folder / "model.json").read_text())
    assert document["input"]["resizing"]["image_size"] == 32
    model = lnlbench.load_model(folder)
    assert model.card.architecture.kind == "fine-tuned"
    assert accuracy(model) == last_accuracy(tmp_path)


def test_a_model_whose_first_layers_are_frozen_holds_them(tmp_path):
    file = pretrained_file(tmp_path)
    flags = ("--frozen-until", "blocks.4", "--limit-train", "100", "--epochs", "1", "--quiet")
    done(
        *("run", "--method", "dividemix", *PRETRAINED, *flags),
        *("--weights", file, "--output", tmp_path),
    )
    model = lnlbench.load_model(export(tmp_path, "--weights", file))
    assert model.card.input.frozen.until == "blocks.4"
    assert accuracy(model) == last_accuracy(tmp_path)


def test_the_frozen_networks_weights_have_to_be_the_runs(tmp_path, weights):
    flags = (*SMALL, *FROZEN_FLAGS, "--weights", weights)
    done("run", "--method", "ce", *flags, "--output", tmp_path)
    other = weights_file(tmp_path, seed=1)
    run = directory_of(tmp_path).path
    outcome = call("export", run, "--output", tmp_path / "model", "--weights", other)
    assert outcome.code == 2
    assert "have SHA-256" in outcome.err
    assert not (tmp_path / "model").exists()


def arrays(tmp_path, samples, classes, method, track="digits", epochs=2):
    """A model of a run on arrays, and the run's accuracy on its own test arrays."""
    labels = np.array(classes)[np.arange(len(samples)) % len(classes)]
    data = lnlbench.Dataset.from_arrays(samples, labels, samples[:60], labels[:60], name="mine")
    result = lnlbench.run(method, track=track, dataset=data, epochs=epochs, output=tmp_path)
    run = directory_of(tmp_path).path
    lnlbench.export_model(run, tmp_path / "model", dataset=data)
    model = lnlbench.load_model(tmp_path / "model")
    hits = [a == b for a, b in zip(model.predict(samples[:60]), labels[:60], strict=True)]
    return model, np.mean(hits), result.scores.test_accuracy_last


@pytest.mark.parametrize("method", ["ce", "linear-probe"])
def test_a_model_on_features_takes_features(tmp_path, method):
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 6)).astype(np.float32) + 4 * np.eye(6)[np.arange(120) % 3]
    track = "cifar100n-embedding"
    model, found, expected = arrays(tmp_path, features, ["a", "b", "c"], method, track)
    assert found == expected
    assert model.card.input.dimension == 6
    with pytest.raises(lnlbench.errors.DataError, match=r"\[N, 6\]"):
        model.predict_proba(features[:, :5])
    with pytest.raises(lnlbench.errors.DataError, match="trained on features"):
        model.predict_proba("photo.jpg")


@pytest.mark.parametrize("shape", [(120, 20, 12, 3), (120, 16, 16)])
def test_arrays_of_any_layout_give_the_runs_accuracy(tmp_path, shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    _, found, expected = arrays(tmp_path, images, ["x", "y"], "ce")
    assert found == expected


def test_another_process_without_plugins_and_data_predicts_the_same(tmp_path):
    done("run", "--method", "ce", *SMALL, "--output", tmp_path / "here")
    folder = export(tmp_path / "here").rename(tmp_path / "moved")
    images = load_dataset("digits").test_images[:8].permute(0, 2, 3, 1).numpy()
    np.save(tmp_path / "images.npy", images)
    program = """
import sys, numpy as np, lnlbench
from lnlbench.data.access import reading_refused
def refuse(name): raise AssertionError(name)
with reading_refused(refuse):
    model = lnlbench.load_model("moved")
    np.save("found.npy", model.predict_proba(np.load("images.npy")))
assert "lnlbench.methods" not in sys.modules
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    own = lnlbench.load_model(folder).predict_proba(images)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), own, atol=1e-6)


def test_export_trains_nothing_and_leaves_the_run_alone(tmp_path):
    done("run", "--method", "dividemix", *SMALL, "--output", tmp_path)
    run = directory_of(tmp_path).path
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in run.iterdir()}
    torch.manual_seed(5)
    stream = torch.get_rng_state()
    lnlbench.load_model(export(tmp_path))
    assert torch.equal(torch.get_rng_state(), stream)
    after = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in run.iterdir()}
    assert after == before


def test_knn_is_refused_with_what_to_do(tmp_path):
    done("run", "--method", "knn", *SMALL[:4], "--quiet", "--output", tmp_path)
    outcome = call("export", directory_of(tmp_path).path, "--output", tmp_path / "model")
    assert outcome.code == 2
    assert "'knn' predicts by a NeighborVote" in outcome.err
    assert "linear-probe" in outcome.err
    assert not (tmp_path / "model").exists()


def test_a_method_with_its_own_predict_is_refused():
    from lnlbench.model.export import predicting_networks

    class Odd(lnlbench.Method):
        name = "odd"

        def predict(self, images):
            return images

    with pytest.raises(lnlbench.errors.UsageError, match="'odd' predicts by code of its own"):
        predicting_networks(Odd(Odd.Params()))


@pytest.mark.parametrize("overrides", [{}, FROZEN])
def test_a_blind_run_becomes_a_model_without_files_of_a_run(tmp_path, weights, overrides):
    from lnlbench.model.export import model_of
    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.assemble import assemble
    from lnlbench.runner.directory import RunDirectory
    from lnlbench.runner.display import QuietDisplay
    from lnlbench.runner.options import RunOptions

    method, data = load_plugins().method("ce"), load_dataset("digits")
    spec = short_spec(method, **overrides)
    options = RunOptions(weights=WeightSources(weights))
    place = RunDirectory(tmp_path / "run")
    execution = assemble(spec, method, data, place, QuietDisplay(), options, blind=True)
    assert execution.fit() == ("done", None)
    model = model_of(execution, options.weights)
    assert model.card.origin.test_accuracy is None
    assert model.classes == data.classes
    images = data.train_images[:3].permute(0, 2, 3, 1).numpy()
    assert model.predict_proba(images).shape == (3, 10)
