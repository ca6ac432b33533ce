"""Runs on frozen embeddings: every method trains unchanged, and flags become specs."""

import json

import pytest
from cli import call
from frozen import FROZEN, weights_file
from plugin_zoo import install
from registry import BUILTIN, PLUGINS
from tiny import comparable, quick_params

from lnlbench.data import load_dataset
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import find_weights
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec, deviations, parse_spec

FLAGS = ("--track", "digits", "--method", "ce", "--backbone", FROZEN["backbone"], "--frozen")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return weights_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(cache, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(cache))

    def execute_short(name, folder="runs", **overrides):
        method = PLUGINS.method(name)
        short = {"epochs": 3, "limit_train": 200, "limit_test": 100}
        overrides = {**short, **FROZEN, **overrides}
        spec = build_spec(method, "digits", overrides=overrides, params=quick_params(method))
        directory = RunDirectory.of_spec(tmp_path / folder, spec)
        dataset = load_dataset("digits")
        origin, sources = PLUGINS.origins[name], WeightSources(weights)
        options = RunOptions(weights=sources)
        return execute(spec, method, origin, dataset, directory, QuietDisplay(), options)

    return execute_short


@pytest.mark.parametrize("name", BUILTIN)
def test_every_method_trains_on_embeddings(name, run):
    result = run(name)
    assert (result.status, result.error) == ("done", None)
    assert "frozen timm:test_efficientnet at 32x32" in result.data.notes[-1]
    assert comparable(run(name, folder="again")) == comparable(result)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_head_learns_and_holds_out_validation(run, head):
    embedding = {"embedding": {"head": head, "dropout": 0.1, "image_size": 32}}
    result = run("ce", validation=0.2, noise="clean", limit_train=1000, epochs=8, **embedding)
    assert result.data.num_train == 800
    assert result.scores.test_accuracy_selected is not None
    assert result.curves["train_accuracy_clean"][-1] > 0.6


def test_flags_make_a_spec_that_names_the_weights_by_their_hash(weights):
    outcome = call("run", *FLAGS, "--weights", weights, "--image-size", "32", "--print-spec")
    assert outcome.code == 0, outcome.err
    spec = parse_spec(outcome.out, "output")
    sha256 = find_weights(FROZEN["backbone"], WeightSources(weights)).sha256
    assert spec.protocol.embedding.weights == sha256
    assert str(weights) not in outcome.out
    assert deviations(spec, PLUGINS.method("ce"))["embedding"]["image_size"] == 32


def test_another_backbone_does_not_keep_the_tracks_weights():
    arguments = ("run", "--track", "cifar100n-embedding", "--method", "ce", "--print-spec")
    own = parse_spec(call(*arguments).out, "output")
    other = parse_spec(call(*arguments, "--backbone", "timm:resnet18").out, "output")
    assert own.protocol.embedding.weights is not None
    assert other.protocol.embedding.weights is None
    assert deviations(own, PLUGINS.method("ce")) == {}
    assert deviations(other, PLUGINS.method("ce")).keys() == {"backbone", "embedding"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--track", "digits", "--head", "mlp"), "--backbone timm:NAME --frozen"),
        (("--track", "digits", "--weights", "x.pth"), "--frozen"),
        (("--track", "digits", "--frozen"), "not 'small-cnn'"),
        (("--track", "cifar100n-embedding", "--backbone", "timm:resnet10q"), "resnet10q"),
        (("--track", "cifar100n-embedding", "--head", "conv"), "linear"),
        (("--track", "cifar100n-embedding", "--image-size", "4"), "greater than or equal to 8"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, words, tmp_path):
    outcome = call("run", "--method", "ce", "--output", tmp_path, *arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_embed_then_run_from_the_command_line(weights, tmp_path):
    variables = {"LNLBENCH_CACHE_DIR": str(tmp_path / "cache")}
    flags = ("--backbone", FROZEN["backbone"], "--image-size", "32", "--weights", weights)
    made = call("embed", "--track", "digits", *flags, "--json", **variables)
    assert made.code == 0, made.err
    document = json.loads(made.out)
    assert (document["computed"], document["shape"][0]) == (True, 1297)
    again = call("embed", "--track", "digits", *flags, **variables)
    assert "already there, verified" in again.out
    # The cache has what the spec names: neither file nor hub is asked.
    spec = call("run", *FLAGS, *flags[2:], "--epochs", "1", "--print-spec").out
    (tmp_path / "spec.json").write_text(spec)
    ran = call("run", "--spec", tmp_path / "spec.json", "--output", tmp_path, **variables)
    assert ran.code == 0, ran.err


def test_a_track_without_embeddings_has_nothing_to_embed():
    outcome = call("embed", "--track", "digits")
    assert outcome.code == 2
    assert "cifar100n-embedding" in outcome.err


def test_backbones_lists_what_plugins_have_pretrained(tmp_path, monkeypatch):
    source = "import lnlbench\n@lnlbench.hookimpl\ndef register_backbones():\n"
    source += "    return [lnlbench.Backbone('timm:resnet18', 'ImageNet-1k', dict)]\n"
    install(tmp_path, "lnlbench-zoo", source)
    monkeypatch.syspath_prepend(str(tmp_path))
    listed = json.loads(call("backbones", "--json", LNLBENCH_PLUGINS="lnlbench-zoo").out)
    assert listed["pretrained"] == {"timm:resnet18": "ImageNet-1k"}
    assert "timm:resnet18, pretrained on" in call("backbones", LNLBENCH_PLUGINS="lnlbench-zoo").out
    shown = call("backbones", "show", "timm:resnet18", "--json", LNLBENCH_PLUGINS="lnlbench-zoo")
    assert json.loads(shown.out)["pretrained"] == "ImageNet-1k"
    assert "lnlbench-efficientnet-lite" in call("backbones", LNLBENCH_PLUGINS="none").out
