"""Training the last layers alone, on cached feature maps: every method, caches, flags, refusals."""

import pytest
import torch
from cli import call
from frozen import random_dataset
from pretrained import BACKBONE, FLAGS, pretrained_file, tensors_of
from registry import BUILTIN, PLUGINS
from tiny import comparable, quick_params

from lnlbench.data import load_dataset
from lnlbench.embeddings import compute
from lnlbench.embeddings.load import load_embeddings
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.options import RunOptions
from lnlbench.runner.prepare import prepare
from lnlbench.spec.check import refusal
from lnlbench.spec.overrides import override_protocol
from lnlbench.spec.run_spec import build_spec, parse_spec
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track

LAYER = "blocks.4"
LAST = {"backbone": BACKBONE, "pretrained": {"image_size": 32, "frozen_until": LAYER}}
SHORT = {"epochs": 2, "limit_train": 120, "limit_test": 60, "batch_size": 20}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return pretrained_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(weights, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(cache))

    def execute_short(name, params=None, folder="runs"):
        method = PLUGINS.method(name)
        spec = build_spec(method, "digits", overrides={**SHORT, **LAST}, params=params)
        directory = RunDirectory.of_spec(tmp_path / folder, spec)
        data, origin = load_dataset("digits"), PLUGINS.origins[name]
        options = RunOptions(weights=WeightSources(weights))
        return execute(spec, method, origin, data, directory, QuietDisplay(), options)

    return execute_short


@pytest.mark.parametrize("name", BUILTIN)
def test_every_method_trains_on_feature_maps(name, run):
    result = run(name, quick_params(PLUGINS.method(name)))
    assert (result.status, result.error) == ("done", None)
    fine_tuned, cached = result.data.notes[-2:]
    assert f"trained from {LAYER} on" in fine_tuned
    assert f"inputs of {LAYER} of the frozen {BACKBONE} at 32x32 pixels (fp32)" in cached


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ce", {"linear_probe_epochs": 1}),
        ("dividemix", {"warmup": "linear-probe", "warmup_epochs": 1}),
        ("dividemix", {"divider": "embedding", "warmup_epochs": 1}),
    ],
)
def test_probes_and_neighborhoods_use_the_features_of_the_whole_body(name, params, run):
    result = run(name, params)
    assert (result.status, result.error) == ("done", None)
    assert comparable(run(name, params, folder="again")) == comparable(result)


@pytest.fixture
def prepared(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path))
    changes = {**LAST, "noise": "clean", "augment": "crop-flip"}
    spec = build_spec(PLUGINS.method("ce"), "digits", overrides=changes)
    return prepare(spec, random_dataset(), CPU)


def test_logits_are_those_of_the_whole_network_on_the_images(prepared, weights):
    inputs = build_inputs(prepared, WeightSources(weights))
    network = inputs.build_network().eval()
    whole = PretrainedNetwork(BACKBONE, tensors_of(weights), 4).eval()
    whole.classifier = network.body.classifier
    images = Preprocessing.of(BACKBONE, 32)(prepared.dataset.train_images[:50])
    with torch.no_grad():
        expected = whole(images)
        found = network(inputs.training.plain(0, 50))
        features = inputs.embed(inputs.training.plain(0, 50))
        # 16-bit storage rounds to about three digits.
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(features, whole.body(images), rtol=1e-2, atol=1e-2)


def test_a_batch_draws_one_of_the_cached_views_and_evaluation_takes_the_first(prepared, weights):
    views = build_inputs(prepared, WeightSources(weights)).training
    plain, other = (view.float() for view in views.features)
    assert not torch.equal(plain, other)
    index = torch.randperm(520)[:200]
    draw = views.draw("weak", 200, torch.Generator().manual_seed(1))
    assert 60 < draw.sum() < 140
    expected = torch.stack(
        [(plain, other)[int(d)][int(i)] for i, d in zip(index, draw, strict=True)]
    )
    assert torch.equal(views.view(index, draw), expected)
    assert torch.equal(views.plain(10, 20), plain[10:20])
    assert views.draw("none", 5, torch.Generator()).tolist() == [0] * 5


def maps_of(weights, **pretrained):
    changes = {**LAST, "augment": "crop-flip"}
    changes["pretrained"] = {**LAST["pretrained"], **pretrained}
    protocol = override_protocol(load_track("digits").protocol, changes)
    sources = WeightSources(weights)
    return load_embeddings(random_dataset(), protocol, protocol.pretrained, CPU, sources)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.mark.parametrize("chunks", [0, 1, 4])
def test_a_killed_cache_of_maps_resumes_to_the_same_bytes(weights, tmp_path, monkeypatch, chunks):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "whole"))
    whole = maps_of(weights)
    assert whole.train[0].shape == (520, 48, 2, 2)
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "killed"))
    original, calls = compute._features, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) > chunks:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(compute, "_features", killed)
    with pytest.raises(KeyboardInterrupt):
        maps_of(weights)
    calls.clear()
    monkeypatch.setattr(compute, "_features", lambda *each: calls.append(1) or original(*each))
    assert contents(maps_of(weights).folder) == contents(whole.folder)
    assert len(calls) == 7 - chunks  # three chunks for each of two views, one for the test images


def test_each_layer_has_an_entry_of_its_own(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path))
    first, second = maps_of(weights), maps_of(weights, frozen_until="blocks.3")
    assert first.folder != second.folder
    assert first.train[0].shape != second.train[0].shape


def test_methods_that_need_strong_views_are_refused():
    method = PLUGINS.method("dividemix")
    overrides = {**SHORT, **LAST}
    strong = build_spec(method, "digits", "augdesc-ws", overrides=overrides)
    assert "there are no 'strong' views" in refusal(PLUGINS, strong)
    assert refusal(PLUGINS, build_spec(method, "digits", overrides=overrides)) is None


def test_the_flag_changes_the_spec_and_embed_makes_what_the_run_needs(weights, tmp_path):
    variables = {"LNLBENCH_CACHE_DIR": str(tmp_path / "cache")}
    flags = ("--frozen-until", LAYER, "--weights", weights)
    made = call("embed", *(each for each in FLAGS if each != "--pretrained"), *flags, **variables)
    assert made.code == 0, made.err
    assert "192 features each" in made.out
    short = ("--method", "ce", "--epochs", "1", "--limit-train", "50", "--output", tmp_path)
    ran = call("run", *FLAGS, *flags, *short, **variables)
    assert ran.code == 0, ran.err
    printed = call("run", *FLAGS, *flags, "--method", "ce", "--print-spec").out
    assert parse_spec(printed, "output").protocol.pretrained.frozen_until == LAYER
    assert (
        "already there"
        in call(
            "embed", *(each for each in FLAGS if each != "--pretrained"), *flags, **variables
        ).out
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*FLAGS, "--frozen-until", "block.4"), "Did you mean 'blocks.4'"),
        (("--track", "digits", "--frozen-until", LAYER), "--frozen-until belongs"),
        (("--track", "cifar100n-embedding", "--frozen-until", LAYER), "--frozen-until belongs"),
        (("--track", "cifar100n-pretrained-last", "--backbone", "timm:resnet18"), "layer4"),
        ((*FLAGS, "--override", "pretrained.views=4"), "frozen_until"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, words, tmp_path):
    outcome = call("run", "--method", "ce", "--output", tmp_path, *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "runs").exists()
