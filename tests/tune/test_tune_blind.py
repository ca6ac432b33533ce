"""What a search can know: noisy labels alone, whatever it is asked for."""

import json
import sys
from dataclasses import replace
from typing import Annotated, ClassVar

import pytest
import torch
from cli import call
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from tiny import quick_params, short_spec

import lnlbench
from lnlbench.data import load_dataset
from lnlbench.errors import UsageError
from lnlbench.interface.params import Recipe, SearchRange, search_ranges
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execution import Execution
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.options import RunOptions
from lnlbench.runner.prepare import prepare
from lnlbench.runner.split import LabeledImages
from lnlbench.spec.run_spec import build_spec, make_method
from lnlbench.testing.declarations import check_parameters
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track
from lnlbench.tune.definition import Shortening, define_search
from lnlbench.tune.space import search_space

PLUGINS = load_plugins(strict=True)
SEARCHED = sorted(name for name, each in PLUGINS.methods.items() if search_ranges(each.Params))


class Example(lnlbench.LossMethod):
    """An example."""

    name = "example"
    reference = "Nobody (2026): an example"

    class Params(lnlbench.Params):
        weight: Annotated[float, SearchRange(0.1, 5, log=True)] = Field(1.0, ge=0, le=5)
        steps: Annotated[int, SearchRange(1, 9)] = Field(3, ge=1, le=9)
        mode: str = "plain"

    recipes: ClassVar = {
        "clean": Recipe(schedule={"noise": "clean"}),
        "oracle": Recipe(schedule={"validation": 0.2, "validation_labels": "clean"}),
    }


def short(name):
    return prepare(short_spec(PLUGINS.method(name), validation=0.2), load_dataset("digits"), CPU)


def blind_record(prepared, folder):
    name = prepared.spec.method
    method = PLUGINS.method(name)
    blind = prepared.blinded()
    inputs = build_inputs(blind, WeightSources())
    chosen = make_method(prepared.spec, method)
    execution = Execution(blind, inputs, chosen, RunDirectory(folder), QuietDisplay(), RunOptions())
    folder.mkdir()
    assert execution.fit() == ("done", None)
    return execution.record


@pytest.mark.parametrize("name", ["ce", "dividemix"])
def test_a_trial_is_the_same_whatever_the_truth_and_the_test_split_are(tmp_path, name):
    prepared = prepare(
        short_spec(PLUGINS.method(name), validation=0.2), load_dataset("digits"), CPU
    )
    split, dataset = prepared.split, prepared.dataset
    generator = torch.Generator().manual_seed(3)
    other = LabeledImages(
        split.test.images.flip(0)[:7], split.test.labels[:7], split.test.positions[:7]
    )
    lie = torch.randint(0, 10, split.clean_labels.shape, generator=generator)
    changed = replace(
        prepared,
        split=replace(split, clean_labels=lie, test=other),
        dataset=replace(dataset, test_labels=dataset.test_labels.flip(0), human_labels={"x": lie}),
    )
    one, two = blind_record(prepared, tmp_path / "one"), blind_record(changed, tmp_path / "two")
    assert one.curves == two.curves
    known = {"validation_accuracy", "train_accuracy_noisy", "loss", "labeled_share"}
    assert {"validation_accuracy", "loss"} <= set(one.curves) <= known


def test_a_blinded_run_holds_neither_clean_labels_nor_test_samples():
    prepared = prepare(
        short_spec(PLUGINS.method("ce"), validation=0.2), load_dataset("digits"), CPU
    )
    assert not torch.equal(prepared.split.clean_labels, prepared.split.training.labels)
    blind = prepared.blinded()
    assert torch.equal(blind.split.clean_labels, prepared.split.training.labels)
    assert torch.equal(blind.dataset.train_labels, prepared.noisy.labels)
    assert len(blind.split.test.labels) == len(blind.split.test.images) == 0
    assert int(blind.dataset.test_labels.abs().sum()) == 0
    assert (dict(blind.dataset.human_labels), blind.split.noise_rate) == ({}, None)
    assert torch.equal(blind.split.validation.labels, prepared.split.validation.labels)


ORACLES = sorted(name for name, each in PLUGINS.methods.items() if each.oracle)


@pytest.mark.parametrize("name", ORACLES)
def test_no_method_that_is_told_the_truth_can_be_tuned(tmp_path, name):
    method = PLUGINS.method(name)
    with pytest.raises(UsageError, match="cannot be tuned"):
        define_search(method, load_track("digits"), "matched", {}, [])
    # And if it were tried, there would be nothing to tell.
    spec = build_spec(method, "digits", overrides={"limit_train": 200}, params=quick_params(method))
    blind = prepare(spec, load_dataset("digits"), CPU).blinded()
    with pytest.raises(UsageError, match="the clean labels are unknown"):
        Execution(
            blind,
            build_inputs(blind, WeightSources()),
            make_method(spec, method),
            RunDirectory(tmp_path),
            QuietDisplay(),
            RunOptions(),
        )


def test_clean_validation_labels_are_refused():
    outcome = call("tune", "--method", "ce", "--track", "digits", "--validation-labels", "clean")
    assert outcome.code == 2
    assert "only on noisy labels" in outcome.err.replace("\n", " ")


@pytest.mark.parametrize("recipe", ["clean", "oracle"])
def test_a_recipe_with_other_labels_than_the_tracks_cannot_be_tuned(recipe):
    with pytest.raises(UsageError, match=r"cannot be tuned|labels of its track"):
        define_search(Example, load_track("digits"), recipe, {}, [])


def test_trials_change_nothing_of_the_track_but_their_length():
    assert set(Shortening.model_fields) == {"epochs", "limit_train"}
    shortening = Shortening(epochs=2, limit_train=99)
    definition = define_search(
        Example,
        load_track("digits"),
        "matched",
        {"mode": "x"},
        [],
        shortening=shortening,
        seeds=[5, 6],
    )
    specs = definition.specs(Example, {"weight": 2.0})
    assert [spec.seed for spec in specs] == [5, 6]
    assert specs[0].params == {"weight": 2.0, "steps": 3, "mode": "x"}
    track = build_spec(Example, "digits").protocol
    changed = {"epochs": 2, "limit_train": 99, "validation": 0.1}
    assert specs[0].protocol == track.model_copy(update=changed)


@pytest.mark.parametrize("name", SEARCHED)
def test_declared_ranges_hold_values_that_the_parameters_take(name):
    method = PLUGINS.method(name)
    assert check_parameters(method).status == "passed"
    for key, span in search_ranges(method.Params).items():
        default = getattr(method.Params(), key)
        if isinstance(default, int | float):
            assert span.low <= default <= span.high, (name, key)


def test_a_range_outside_of_the_bounds_is_found_by_the_checks_for_authors():
    class Wrong(Example):
        class Params(lnlbench.Params):
            weight: Annotated[float, SearchRange(0, 9)] = Field(1, ge=0, le=5, description="A.")

    finding = check_parameters(Wrong)
    assert (finding.status, "weight" in finding.found) == ("failed", True)


finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.one_of(st.tuples(st.integers(), st.integers()), st.tuples(finite, finite)), st.booleans())
def test_a_written_range_is_read_as_it_was(ends, log):
    low, high = sorted(ends)
    if low == high or (log and low <= 0):
        with pytest.raises(ValueError, match="search range"):
            SearchRange(low, high, log)
        return

    class Free(Example):
        class Params(lnlbench.Params):
            value: float = 0.0

    span = SearchRange(low, high, log)
    assert search_space(Free, {}, [f"value={span}"], {}) == {"value": span}
    assert span.whole == isinstance(low, int)


def test_given_ranges_add_replace_and_limit_and_fixed_parameters_are_not_searched():
    declared = {"weight": SearchRange(0.1, 5, log=True), "steps": SearchRange(1, 9)}
    assert search_space(Example, {}, [], {}) == declared
    assert search_space(Example, {"steps": 2}, [], {}) == {"weight": declared["weight"]}
    assert search_space(Example, {}, ["steps"], {}) == {"steps": declared["steps"]}
    changed = search_space(Example, {}, ["weight=1..2"], {})
    assert changed == {**declared, "weight": SearchRange(1, 2)}


@pytest.mark.parametrize(
    ("fixed", "texts", "words"),
    [
        ({}, ["wieght=1..2"], "Did you mean 'weight'"),
        ({}, ["mode"], "declares no range"),
        ({}, ["weight=1"], "not have two ends"),
        ({}, ["weight=2..1"], "goes up"),
        ({}, ["weight=1..x"], "could not convert"),
        ({}, ["weight=0..1:log"], "above 0"),
        ({}, ["weight=1..2:lin"], "only :log may follow the range, not :lin"),
        ({}, ["weight=..2"], "not have two ends"),
        ({}, ["weight=1..inf"], "between numbers"),
        ({}, ["weight=1..6"], "less than or equal to 5"),
        ({"weight": 1}, ["weight"], "Choose one"),
        ({"weight": 1, "steps": 1}, [], "Nothing to search"),
    ],
)
def test_a_wrong_range_is_named(fixed, texts, words):
    with pytest.raises(UsageError, match=words):
        search_space(Example, fixed, texts, {})


def test_methods_show_what_is_tuned(tmp_path):
    shown = json.loads(call("methods", "show", "gce", "--json").out)
    assert [row["search"] for row in shown["parameters"]] == ["0.1..1.0"]
    assert "0.1..1.0" in call("methods", "show", "gce", COLUMNS="200").out


def test_without_optuna_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = call("tune", "--method", "gce", "--track", "digits")
    assert (outcome.code, "lnlbench[search]" in outcome.err) == (2, True)
