"""What every built-in method must do; a new method is tested by existing."""

import pytest
import torch
from registry import BUILTIN, WITHOUT_BELIEF
from tiny import comparable, quick_params, run_short, short_spec

from lnlbench.errors import Interrupted
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.method import LossMethod, Method
from lnlbench.interface.run import Run
from lnlbench.spec.run_spec import build_spec, deviations
from lnlbench.system.interruption import StopRequest
from lnlbench.testing.small_runs import make_run
from lnlbench.tracks import track_names

every_method = pytest.mark.parametrize("name", BUILTIN)
each_with_a_belief = pytest.mark.parametrize("name", sorted(set(BUILTIN) - WITHOUT_BELIEF))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One short run of each method and seed, shared by the tests below."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}

    def result(name, seed=0):
        if (name, seed) not in made:
            made[name, seed] = run_short(name, folder, seed)
        return made[name, seed]

    return result


@every_method
def test_a_short_run_is_done_with_finite_scores(name, results):
    result = results(name)
    assert (result.status, result.error) == ("done", None)
    assert result.method.networks == BUILTIN[name].networks
    assert len(result.curves["test_accuracy"]) == 3
    assert result.scores.nll is not None
    expected = {"epochs": 3, "limit_train": 200, "limit_test": 100}
    quick = {f"params.{key}": value for key, value in quick_params(BUILTIN[name]).items()}
    assert result.off_track.overrides == expected | quick


@every_method
def test_the_same_seed_gives_the_same_result_and_another_seed_another(name, results, tmp_path):
    assert comparable(run_short(name, tmp_path)) == comparable(results(name))
    # A method that takes no step, such as knn, draws nothing that a seed could change.
    assert (results(name, seed=1).curves != results(name).curves) == takes_steps(results(name))


@every_method
def test_a_stopped_and_resumed_run_equals_an_undisturbed_one(name, results, tmp_path, monkeypatch):
    original = Run.step
    stops = iter((1, 2) if takes_steps(results(name)) else (0,))
    stopped = next(stops)

    def step(self, loss, optimizer):
        # In the middle of an epoch, however many steps the method makes of it.
        if self.epoch == stopped and self.steps == 1:
            raise Interrupted("for this test")
        original(self, loss, optimizer)

    def check(self):
        # A method that takes no step can be stopped only at the end of its epoch.
        if stopped == 0:
            raise Interrupted("for this test")

    monkeypatch.setattr(Run, "step", step)
    monkeypatch.setattr(StopRequest, "check", check)
    while stopped is not None:
        assert run_short(name, tmp_path).status == "interrupted"
        stopped = next(stops, None)
    assert comparable(run_short(name, tmp_path)) == comparable(results(name))


@every_method
def test_the_global_random_streams_are_left_alone(name, tmp_path):
    import random

    import numpy as np

    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    run_short(name, tmp_path, epochs=1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


@every_method
def test_predictions_do_not_depend_on_the_batch_size(name):
    method = fitted(name)
    images = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for network in method.trained_networks():
        network.eval()
    with torch.inference_mode():
        whole = method.predict(images)
        parts = torch.cat([method.predict(part) for part in images.split(5)])
        assert torch.equal(method.predict(images), whole)
    assert whole.shape == (12, 4)
    torch.testing.assert_close(parts, whole)


@pytest.mark.parametrize("name", sorted(WITHOUT_BELIEF))
def test_a_method_that_divides_nothing_has_no_belief(name):
    assert fitted(name).clean_probability() is None


@each_with_a_belief
def test_clean_probability_is_a_probability_for_every_sample(name):
    belief = fitted(name).clean_probability()
    assert belief.shape == (50,)
    assert ((belief >= 0) & (belief <= 1)).all()


@every_method
@pytest.mark.parametrize("samples", [3, 17, 33])
def test_odd_sizes_and_equal_labels_are_survived(name, samples):
    labels = torch.zeros(samples, dtype=torch.int64)
    method = fitted(name, samples=samples, labels=labels)
    for network in method.trained_networks():
        assert all(value.isfinite().all() for value in network.state_dict().values())


@every_method
@pytest.mark.parametrize("track", track_names())
def test_every_recipe_gives_a_valid_spec_on_every_track(name, track):
    method = BUILTIN[name]
    for recipe in {"matched", *method.recipes}:
        spec = build_spec(method, track, recipe.partition("@")[0])
        assert deviations(spec, method) == {}


@every_method
def test_a_method_without_oracle_sees_no_clean_label(name):
    method = BUILTIN[name]
    oracle = knowledge(torch.zeros(50, dtype=torch.int64))
    given = {key: value for key, value in oracle.items() if key in method.oracle}
    run = make_run(oracle=given)
    for key in oracle.keys() - method.oracle:
        with pytest.raises(Exception, match="privileged knowledge"):
            getattr(run, key)
    fit(method, run)


def test_unfinished_methods_say_what_is_missing():
    class NoFit(Method):
        name = "no-fit"

    class NoLoss(LossMethod):
        name = "no-loss"

    with pytest.raises(NotImplementedError, match=r"NoFit does not define fit"):
        NoFit(NoFit.Params()).fit(make_run())
    with pytest.raises(NotImplementedError, match=r"NoLoss does not define loss"):
        NoLoss(NoLoss.Params()).fit(make_run())


def test_short_specs_differ_only_in_the_seed():
    method = BUILTIN["ce"]
    one, other = short_spec(method, 0), short_spec(method, 1)
    assert one.fingerprint != other.fingerprint
    assert one.model_copy(update={"seed": 1}).fingerprint == other.fingerprint


def takes_steps(result):
    return "loss" in result.curves


def fit(method, run):
    fitting = method(method.Params(**{**method.quick_params, **quick_params(method)}))
    fitting.fit(run)
    return fitting


def knowledge(clean_labels):
    """All that an oracle may be told."""
    subset = torch.arange(0, len(clean_labels), 2)
    return {
        "clean_labels": clean_labels,
        "noise_rate": 0.4,
        "clean_subset": CleanSubset(subset, clean_labels[subset]),
    }


def fitted(name, samples=50, **changes):
    method = BUILTIN[name]
    labels = changes.get("labels", torch.zeros(samples, dtype=torch.int64))
    oracle = knowledge(labels)
    given = {key: value for key, value in oracle.items() if key in method.oracle}
    return fit(method, make_run(samples=samples, oracle=given, **changes))
