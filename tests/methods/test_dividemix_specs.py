"""Specs and recipes of DivideMix and its AugDesc: new parameters leave older specs as they were."""

import pytest

from lnlbench.methods.dividemix import DivideMix
from lnlbench.spec.run_spec import build_spec, deviations
from lnlbench.tracks.schedule import learning_rate_factor


def test_the_default_is_dividemix_and_leaves_specs_as_they_were():
    known = "9bed533335911ca251f760eea6f4479677b3d52f64a9110aef3ef229f2d8ddbc"
    assert build_spec(DivideMix, "digits").fingerprint == known
    named = {"augmentation": "runtime-w", "randaugment_magnitude": 9, "warmup_batch_size": None}
    assert build_spec(DivideMix, "digits", params=named).fingerprint == known


def test_a_spec_names_what_is_used():
    new = {"augmentation", "randaugment_operations", "randaugment_magnitude", "warmup_batch_size"}
    used = {
        "ws": {"augmentation"},
        "ws-randaugment": new - {"warmup_batch_size"},
    }
    for augmentation, names in used.items():
        spec = build_spec(DivideMix, "digits", params={"augmentation": augmentation})
        assert spec.params.keys() & new == names


def test_the_recipe_differs_from_matched_in_the_views_alone():
    for track in ("digits", "cifar100n-scratch"):
        matched, ranked = (build_spec(DivideMix, track, name) for name in ("matched", "augdesc-ws"))
        assert ranked.protocol == matched.protocol
        assert ranked.params == {**matched.params, "augmentation": "ws"}
        assert deviations(ranked, DivideMix) == {}
    assert deviations(build_spec(DivideMix, "digits", params={"augmentation": "ws"}), DivideMix)


@pytest.mark.parametrize(
    ("recipe", "epochs", "batch", "drop", "lambda_u"),
    [
        ("native", 300, 128, 150, 25),
        ("native-drop70", 300, 128, 70, 25),
        ("native-lambda0", 300, 128, 150, 0),
        ("native-lambda0-drop70", 300, 128, 70, 0),
        ("native-augdesc-ws", 400, 256, 300, 25),
    ],
)
def test_native_recipes(recipe, epochs, batch, drop, lambda_u):
    spec = build_spec(DivideMix, "cifar100n-resnet34", recipe)
    protocol = spec.protocol
    assert (protocol.epochs, protocol.batch_size) == (epochs, batch)
    assert learning_rate_factor(protocol, drop - 1) == 1
    assert learning_rate_factor(protocol, drop) == pytest.approx(0.1)
    assert spec.params["lambda_u"] == lambda_u


def test_guessing_together_is_left_out_of_a_spec_that_does_not_ask_for_it():
    assert "guess_together" not in DivideMix.Params().model_dump()
    assert DivideMix.Params(guess_together=True).model_dump()["guess_together"] is True
