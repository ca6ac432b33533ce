"""Which options leave a track, and which repeat what it says."""

import json

import pytest
from printed import printed_specs

from lnlbench.plugins import load_plugins
from lnlbench.spec.run_spec import deviations, parse_spec


@pytest.mark.parametrize(
    ("method", "same"),
    [
        ("ce", ("--backbone", "small-cnn")),
        ("ce", ("--epochs", "60", "--batch-size", "64", "--lr", "0.05", "--augment", "crop")),
        ("ce", ("--dataset", "digits", "--noise", "instance:0.4", "--noise-seed", "0")),
        ("ce", ("--validation", "0", "--precision", "fp32", "--recipe", "matched", "--seed", "0")),
        ("dividemix", ("--set", "lambda_u=25")),
        ("dividemix", ("--set", "lambda-u=25.0", "--set", "loss_history=1")),
    ],
)
def test_the_tracks_own_values_stay_on_track(method, same):
    base = ("--track", "digits", "--method", method)
    [spec] = printed_specs(*base, *same)
    assert [spec] == printed_specs(*base)
    chosen = load_plugins().method(method)
    assert deviations(parse_spec(json.dumps(spec), "spec"), chosen) == {}


@pytest.mark.parametrize(
    ("flags", "changed"),
    [
        (("--lr", "0.1"), {"optimizer"}),
        (("--weight-decay", "1e-3"), {"optimizer"}),
        (("--lr", "0.05", "--weight-decay", "5e-4"), set()),
        (("--set", "lambda_u=0"), {"params.lambda_u"}),
        (("--precision", "bf16"), {"precision"}),
        (("--precision", "auto"), {"precision"}),
        (("--noise", "symmetric:0.2", "--noise-seed", "1"), {"noise", "noise_seed"}),
        (("--seed", "5"), set()),
    ],
)
def test_what_leaves_the_track(flags, changed):
    [spec] = printed_specs("--track", "digits", "--method", "dividemix", *flags)
    method = load_plugins().method("dividemix")
    assert deviations(parse_spec(json.dumps(spec), "spec"), method).keys() == changed
