"""What a result says of a method's budget: optimizer steps, and passes over the data."""

import math
import time

import pytest
from tiny import run_short

from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.networks.passes import Passes


@pytest.mark.parametrize(
    ("name", "steps", "training", "inference"),
    [
        ("ce", 1, 1, 0),
        ("ce-ema", 1, 1, 0),
        # Two networks, and what they say of all samples at the end: 0 once, 2 passes twice.
        ("co-teaching", 2, 2, 4 / 3),
        ("knn", 0, 0, 0),
    ],
)
def test_the_budget_is_what_the_method_asks_for(tmp_path, name, steps, training, inference):
    result = run_short(name, tmp_path)
    cost, protocol = result.cost.model_dump(), result.spec["protocol"]
    batches = math.ceil(result.data.num_train / protocol["batch_size"])
    assert cost["steps_per_epoch"] == steps * batches
    assert cost["training_passes_per_epoch"] == training
    assert cost["inference_passes_per_epoch"] == pytest.approx(inference)


def test_a_division_costs_passes_without_gradients(tmp_path):
    cost = run_short("dividemix", tmp_path, params={"warmup_epochs": 1}).cost.model_dump()
    assert cost["inference_passes_per_epoch"] > 0
    assert cost["training_passes_per_epoch"] > 1


def test_a_copy_of_a_network_counts_for_the_same_run():
    from copy import deepcopy

    passes = Passes()
    deepcopy([passes])[0].add(3, gradients=True)
    assert (passes.with_gradients, passes.without_gradients) == (3, 0)
    assert passes.take() == Passes(3, 0)
    assert passes == Passes(0, 0)


def test_processor_time_is_counted_as_the_run_computes(tmp_path):
    before = time.process_time()
    cost = run_short("ce", tmp_path).cost.model_dump()
    assert 0 < cost["processor_seconds"] <= time.process_time() - before


def test_a_method_may_look_at_all_samples_before_its_first_epoch(tmp_path, monkeypatch):
    fit = CrossEntropy.fit

    def look_first(self, run):
        assert run.logits(run.network()).shape == (200, 10)
        fit(self, run)

    monkeypatch.setattr(CrossEntropy, "fit", look_first)
    assert run_short("ce", tmp_path).status == "done"
