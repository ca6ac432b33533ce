"""`lnlbench.testing`: a right method passes every check, and a wrong declaration fails its own."""

from typing import ClassVar

import pytest
from good_method import Good, trials
from pydantic import Field

import lnlbench
from lnlbench.testing import Finding, Report, check_method, examine_method
from lnlbench.testing.behavior import check_runs
from lnlbench.testing.declarations import check_metadata, check_parameters
from lnlbench.testing.trials import Trials


def test_a_right_method_passes_every_check():
    report = check_method(Good)
    assert report.passed
    names = [finding.check for finding in report.findings]
    assert len(names) == len(set(names)) == 13
    assert all(finding.status == "passed" for finding in report.findings), str(report)
    assert "times cross-entropy" in report.finding("cost").found


def test_a_failed_check_is_an_assertion_error_that_says_what_to_do():
    nameless = type("Nameless", (Good,), {"reference": "Nobody", "__doc__": "Nameless."})
    with pytest.raises(AssertionError, match=r"FAILED\s+metadata(.|\n)*What to do: The reference"):
        check_method(nameless)
    assert not examine_method(nameless).passed


def test_a_report_shows_nothing_that_a_terminal_would_obey():
    text = str(Report("method \x1b[2J", [Finding("runs", "failed", "\x1b[31m" * 30, "a " * 99)]))
    assert "\x1b" not in text
    assert "1 failed" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"reference": "Nobody, Nowhere"}, "no year"),
        ({"__doc__": None}, "no docstring"),
        ({"name": "Not Kebab"}, "lower-case"),
        ({"__init__": lambda self: None}, "its __init__ does not fit"),
        ({"fit": lambda self: None}, "calls fit(run), and its fit does not fit: too many"),
        (
            {"predict": lambda self, x, y: x},
            "missing a required argument: 'y' (test_check_method.py",
        ),
    ],
)
def test_metadata(attributes, found):
    finding = check_metadata(trials(**attributes).method)
    assert finding.status == "failed"
    assert found in finding.found


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (Field(1.0, description="Unbounded."), "Without bounds: broken"),
        (Field(1.0, gt=0), "Without a description: broken"),
    ],
)
def test_parameters(field, found):
    params = type(
        "Params", (lnlbench.Params,), {"__annotations__": {"broken": float}, "broken": field}
    )
    finding = check_parameters(trials(Params=params).method)
    assert finding.status == "failed"
    assert found in finding.found


def test_a_wrong_number_of_networks():
    finding, _ = check_runs(trials(networks=2))
    assert finding.status == "failed"
    assert "declares networks = 2, and predict averages 1" in finding.found


def test_a_method_that_raises_is_reported_with_its_line():
    def learn(self, batch, epoch):
        raise KeyError("oops")

    report = examine_method(trials(learn=learn).method)
    assert [finding.check for finding in report.findings][-1] == "runs"
    assert "KeyError" in report.finding("runs").found
    assert "test_check_method.py" in report.finding("runs").found


def test_a_warm_up_is_shortened_unless_its_length_is_given():
    class Warm(Good):
        class Params(lnlbench.Params):
            warmup_epochs: int = Field(10, ge=0, description="First epochs.")

        quick_params: ClassVar = {"warmup_epochs": 1}

    assert Trials(Warm, {}).params == {"warmup_epochs": 1}
    assert Trials(Warm, {"warmup_epochs": 5}).params == {"warmup_epochs": 5}
    assert Trials(Good, {"scale": 2.0}).params == {"scale": 2.0}
