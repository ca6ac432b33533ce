"""The model of an audit: trained on the corrected labels of all samples, and good without it."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from audited import noisy_digits
from cli import call
from pretrained import BACKBONE, pretrained_file

import lnlbench
from lnlbench.audit.features import FeatureNetwork, image_features
from lnlbench.audit.samples import image_samples
from lnlbench.audit.train import train_model
from lnlbench.data.collection import Collection
from lnlbench.errors import DataError, UsageError
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.system.progress import silent_progress

CPU = torch.device("cpu")


@pytest.fixture
def audited(tmp_path, monkeypatch):
    """An audit of digits as features, in the current folder."""
    monkeypatch.chdir(tmp_path)
    features, clean, labels, paths = noisy_digits()
    np.save("x.npy", features)
    pd.DataFrame({"path": paths, "label": labels}).to_csv("given.csv", index=False)
    lnlbench.audit(features="x.npy", table="given.csv", method="ce", folds=2, output="found")
    return tmp_path / "found", features, np.array(clean)


def test_the_model_is_trained_on_the_suggested_labels_of_all_samples(audited):
    folder, features, clean = audited
    train_model(folder, folder / "model")
    model = lnlbench.load_model(folder / "model")
    labels = pd.read_csv(folder / "labels.csv", dtype=str)
    # Guarded cells begin with an apostrophe.
    corrected = labels["label"].str.removeprefix("'").to_numpy()
    predicted = np.array(model.predict(features))
    assert (predicted == corrected).mean() > 0.97
    assert (predicted == clean).mean() > 0.9
    assert (model.card.origin.track, model.card.origin.method) == ("audit", "ce")


def test_export_takes_decided_labels_once_there_are_some(audited):
    folder, *_ = audited
    labels = pd.read_csv(folder / "labels.csv", dtype=str)
    exported = call("export", str(folder), "--output", "first")
    assert exported.code == 0
    assert "labels of" in exported.out
    assert str(folder / "labels.csv") in exported.out
    labels.assign(label=labels["given_label"]).to_csv(folder / "decided-labels.csv", index=False)
    again = call("export", str(folder), "--output", "second")
    assert str(folder / "decided-labels.csv") in again.out
    first, second = (lnlbench.load_model(name) for name in ("first", "second"))
    assert first.card.origin.labels_sha256 != second.card.origin.labels_sha256
    assert call("export", str(folder), "--output", "first").code == 2
    assert call("export", str(folder), "--output", "first", "--overwrite").code == 0


def test_apply_trains_on_request_and_replaces_its_older_model(audited):
    folder, features, _ = audited
    chosen = pd.read_csv(folder / "suspects.csv", dtype=str).head(3)
    columns = ["path", "given_label", "suggested_label"]
    for decision in ("accept", "keep"):
        table = folder / "decisions.csv"
        chosen[columns].assign(decision=decision).to_csv(table, index=False)
        done = call("audit", "apply", str(table), "--train", "--quiet")
        assert done.code == 0
        assert f"Trained ce on the labels of {folder / 'decided-labels.csv'}" in done.out
    assert lnlbench.load_model(folder / "model").predict(features[:2])


def test_a_model_of_images_holds_the_frozen_network(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 90, (60, 3, 32, 32)).astype(np.uint8)
    pixels[::2] += 150  # light and dark images
    names = tuple("dark" if number % 2 else "light" for number in range(60))

    def read(rows):
        return pixels[list(rows)], []

    network = FeatureNetwork.of(BACKBONE, 32, WeightSources(pretrained_file(tmp_path)))
    collection = Collection(tuple(f"{n}.png" for n in range(60)), names, read, "two shades")
    samples = image_samples(collection, network, CPU, silent_progress)
    given = dict.fromkeys(("folder", "table", "features", "weights", "backbone", "image_size"))
    opened = replace(samples, given=given)
    monkeypatch.setattr("lnlbench.audit.train.open_samples", lambda *args: opened)
    folder = tmp_path / "found"
    folder.mkdir()
    about = {"judges": [{"method": "ce", "params": {}}], "seed": 0, "given": given}
    (folder / "summary.json").write_text(json.dumps({"about": about}))
    pd.DataFrame({"path": samples.paths, "label": names}).to_csv(folder / "labels.csv")
    train_model(folder, tmp_path / "model")
    model = lnlbench.load_model(tmp_path / "model")
    assert model.predict(pixels.transpose(0, 2, 3, 1)) == list(names)
    assert model.card.input.frozen.network == BACKBONE
    features, _ = image_features(collection, network, CPU, silent_progress)
    assert model.card.architecture.inputs == features.shape[1]


def test_labels_of_other_data_are_refused(audited):
    folder, *_ = audited
    labels = pd.read_csv(folder / "labels.csv", dtype=str)
    labels.iloc[1:].to_csv(folder / "fewer.csv", index=False)
    with pytest.raises(UsageError, match=r"fewer\.csv has no label for"):
        train_model(folder, folder / "model", labels=folder / "fewer.csv")
    labels.assign(label="zebra").to_csv(folder / "zebra.csv", index=False)
    with pytest.raises(UsageError, match="'zebra', which none of the 10 classes"):
        train_model(folder, folder / "model", labels=folder / "zebra.csv")
    assert not (folder / "model").exists()


def test_folders_that_are_no_audit_or_of_an_older_one_say_what_to_do(audited, tmp_path):
    folder, *_ = audited
    with pytest.raises(UsageError, match="is not the folder of an audit"):
        train_model(tmp_path, tmp_path / "model")
    summary = json.loads((folder / "summary.json").read_text())
    del summary["about"]["given"]
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(UsageError, match="Run 'lnlbench audit' again"):
        train_model(folder, tmp_path / "model")
    (folder / "summary.json").write_text("{}")
    with pytest.raises(DataError, match="is damaged"):
        train_model(folder, tmp_path / "model")


def test_a_method_without_networks_has_no_model(audited):
    folder, *_ = audited
    summary = json.loads((folder / "summary.json").read_text())
    summary["about"]["judges"] = [{"method": "knn", "params": {"neighbors": 5}}]
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(UsageError, match=r"no model to export|code of its own"):
        train_model(folder, folder / "model")
