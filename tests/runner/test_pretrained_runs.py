"""Fine-tuning through the real entry point: specs, linear probes, kills and resumes."""

import signal

import pytest
import torch
from cli import call, directory_of, essence, start_forked, stored
from pretrained import BACKBONE, FLAGS, NETWORK, SHORT, pretrained_file
from tiny import comparable

from lnlbench.data import load_dataset
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import find_weights
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec, deviations, parse_spec

PLUGINS = load_plugins()
PROBING = ("--set", "warmup=linear-probe", "--set", "warmup_epochs=2")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return pretrained_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def run(weights, tmp_path):
    def execute_short(name, params=None, folder="runs", **overrides):
        method = PLUGINS.method(name)
        short = {"epochs": 2, "limit_train": 60, "limit_test": 40, "batch_size": 20}
        changes = {**short, "backbone": BACKBONE, "pretrained": {"image_size": 32}, **overrides}
        spec = build_spec(method, "digits", overrides=changes, params=params)
        directory = RunDirectory.of_spec(tmp_path / folder, spec)
        origin, sources = PLUGINS.origins[name], WeightSources(weights)
        data = load_dataset("digits")
        options = RunOptions(weights=sources)
        return execute(spec, method, origin, data, directory, QuietDisplay(), options)

    return execute_short


@pytest.mark.parametrize("name", ["ce", "dividemix", "co-teaching", "ce-ema"])
def test_methods_fine_tune_without_a_change(name, run):
    result = run(name)
    assert (result.status, result.error) == ("done", None)
    [note] = [each for each in result.data.notes if "fine-tuned" in each]
    assert f"{BACKBONE} at 32x32 pixels, pretrained on unknown (file {NETWORK}-0" in note
    assert comparable(run(name, folder="again")) == comparable(result)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ce", {"linear_probe_epochs": 1}),
        ("dividemix", {"warmup": "linear-probe", "warmup_epochs": 1}),
    ],
)
def test_a_probe_is_followed_by_fine_tuning_of_everything(name, params, run, weights, monkeypatch):
    tensors = find_weights(BACKBONE, WeightSources(weights)).tensors
    untouched = []
    train = PretrainedNetwork.train

    def watched(self, mode=True):
        untouched.append(self.has_body_of(tensors))
        return train(self, mode)

    monkeypatch.setattr(PretrainedNetwork, "train", watched)
    result = run(name, params)
    assert (result.status, result.error) == ("done", None)
    # Untouched until the probe ends, touched ever after.
    assert untouched == sorted(untouched, reverse=True)
    assert set(untouched) == {True, False}
    first, last = result.curves["loss"]
    assert first != last


@pytest.mark.parametrize(
    ("name", "params"),
    [("ce", {"linear_probe_epochs": 1}), ("dividemix", {"warmup": "linear-probe"})],
)
def test_a_probe_without_pretrained_weights_says_what_it_needs(name, params, run):
    result = run(name, params, backbone="small-cnn", pretrained=None)
    assert result.status == "failed"
    for words in ("linear probe", "--pretrained", "embeddings"):
        assert words in result.error


@pytest.mark.parametrize("name", ["ce", "dividemix"])
def test_parameters_of_probes_are_left_out_of_specs_that_do_not_probe(name):
    method = PLUGINS.method(name)
    plain = build_spec(method, "digits").params
    assert not {"warmup", "linear_probe_epochs"} & plain.keys()
    probing = {"ce": {"linear_probe_epochs": 2}, "dividemix": {"warmup": "linear-probe"}}[name]
    spec = build_spec(method, "digits", params=probing)
    assert probing.items() <= spec.params.items()
    assert deviations(spec, method) == {f"params.{key}": value for key, value in probing.items()}


def test_flags_make_a_spec_that_names_the_weights_by_their_hash(weights):
    extra = ("--weights", weights, "--body-lr-factor", "0.3")
    outcome = call("run", *FLAGS, "--method", "ce", *extra, "--print-spec")
    assert outcome.code == 0, outcome.err
    spec = parse_spec(outcome.out, "output")
    sha256 = find_weights(BACKBONE, WeightSources(weights)).sha256
    assert spec.protocol.pretrained.weights == sha256
    assert spec.protocol.pretrained.image_size == 32
    assert spec.protocol.pretrained.body_lr_factor == 0.3
    assert spec.protocol.embedding is None
    assert str(weights) not in outcome.out
    assert deviations(spec, PLUGINS.method("ce")).keys() == {"backbone", "pretrained"}


def test_another_backbone_does_not_keep_the_tracks_weights():
    arguments = ("run", "--track", "cifar100n-pretrained", "--method", "ce", "--print-spec")
    own = parse_spec(call(*arguments).out, "output").protocol.pretrained
    other = parse_spec(call(*arguments, "--backbone", "timm:resnet18").out, "output")
    frozen = parse_spec(
        call(*arguments[:2], "cifar100n-embedding", *arguments[3:]).out, "output"
    ).protocol.embedding
    assert own.weights == frozen.weights
    assert other.protocol.pretrained.weights is None
    assert other.protocol.pretrained.body_lr_factor == own.body_lr_factor


@pytest.mark.parametrize("epochs", ["1/4", "3/4"], ids=["while-probing", "while-fine-tuning"])
def test_a_killed_run_ends_with_the_same_numbers(epochs, weights, tmp_path):
    arguments = ("run", *FLAGS, "--method", "dividemix", "--weights", weights)
    arguments += (*SHORT, *PROBING, "--lr", "0.01")
    arguments = tuple("4" if each == "2" else each for each in arguments)
    whole = call(*arguments, "--output", tmp_path / "whole")
    assert whole.code == 0, whole.err
    running = start_forked(*arguments, "--output", tmp_path / "killed", folder=tmp_path / "log")
    running.wait_for(f"epoch {epochs}")
    running.signal(signal.SIGKILL)
    running.finish()
    directory = directory_of(tmp_path / "killed").path
    resumed = call("run", "--resume", directory, "--weights", weights)
    assert resumed.code == 0, resumed.err
    assert essence(stored(tmp_path / "killed")) == essence(stored(tmp_path / "whole"))
    assert torch.isfinite(torch.tensor(stored(tmp_path / "whole")["curves"]["loss"])).all()
