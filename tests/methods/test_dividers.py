"""What divides in DivideMix: losses, the neighborhood, or both."""

import pytest
import torch
from tiny import comparable, run_short

from lnlbench.errors import Interrupted
from lnlbench.methods.dividemix import DivideMix
from lnlbench.pieces.neighbors import divide_by_neighbors
from lnlbench.spec.run_spec import build_spec
from lnlbench.system.interruption import StopRequest
from lnlbench.testing.small_runs import make_run


def fitted(divider, divisions="every", epochs=2):
    params = DivideMix.Params(
        divider=divider, neighborhood_divisions=divisions, neighbors=5, warmup_epochs=1
    )
    method = DivideMix(params)
    run = make_run(samples=60, max_epochs=epochs)
    method.fit(run)
    return method


def test_dividing_by_losses_leaves_specs_as_they_were():
    spec = build_spec(DivideMix, "digits")
    new = {"divider", "neighborhood_divisions", "neighbors"}
    assert spec.params.keys() & new == set()
    known = "9bed533335911ca251f760eea6f4479677b3d52f64a9110aef3ef229f2d8ddbc"
    assert spec.fingerprint == known
    changed = build_spec(DivideMix, "digits", params={"divider": "both"})
    assert changed.params["divider"] == "both"
    assert changed.params["neighbors"] == 20


def test_the_neighborhood_alone_decides_for_both_networks():
    run = make_run(samples=60, max_epochs=2)
    expected = divide_by_neighbors(run, 5, passes=1)
    method = fitted("embedding")
    assert torch.equal(method.clean_probabilities, expected.expand(2, -1))


def test_both_is_the_mean_of_two_beliefs(monkeypatch):
    beliefs = []
    original = DivideMix._divide_by_losses

    def divide_by_losses(self, run):
        original(self, run)
        beliefs.append(self.clean_probabilities.clone())

    monkeypatch.setattr(DivideMix, "_divide_by_losses", divide_by_losses)
    method = fitted("both")
    neighborhood = fitted("embedding").clean_probabilities
    [losses] = beliefs
    torch.testing.assert_close(method.clean_probabilities, (losses + neighborhood) / 2)


def test_after_the_first_division_losses_divide_alone():
    every = fitted("embedding", "every")
    assert torch.equal(every.clean_probabilities, fitted("embedding", "first").clean_probabilities)
    later = fitted("embedding", "first", epochs=3)
    assert not torch.equal(later.clean_probabilities, every.clean_probabilities)
    assert later.loss_history


@pytest.mark.parametrize("divider", ["embedding", "both"])
def test_a_stopped_run_ends_as_an_undisturbed_one(divider, tmp_path, monkeypatch):
    params = {"divider": divider, "warmup_epochs": 1}
    whole = run_short("dividemix", tmp_path / "whole", params=params)
    assert (whole.status, whole.error) == ("done", None)
    checks = []

    def check(self):
        checks.append(1)
        if len(checks) == 14:
            raise Interrupted("for this test")

    monkeypatch.setattr(StopRequest, "check", check)
    assert run_short("dividemix", tmp_path / "parts", params=params).status == "interrupted"
    resumed = run_short("dividemix", tmp_path / "parts", params=params)
    assert comparable(resumed) == comparable(whole)
