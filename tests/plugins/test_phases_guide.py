"""The guide's method with several phases passes the checks, and each phase does what it says."""

import re
from pathlib import Path

import pytest
import torch

from lnlbench.testing.behavior import ShortRuns, check_resume, check_runs
from lnlbench.testing.declarations import check_metadata, check_parameters
from lnlbench.testing.small_runs import make_run
from lnlbench.testing.trials import Trials

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "phases.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def restart():
    [block] = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    names = {"__name__": "guide"}
    exec(compile(block, "docs/guide/phases.md", "exec"), names)
    return names["Restart"]


def fitted(restart, epochs=2, **params):
    method = restart(restart.Params(warmup_epochs=1, **params))
    method.fit(make_run(max_epochs=epochs))
    return method


def test_its_names_and_parameters_are_in_order_and_it_trains(restart):
    assert check_metadata(restart).status == check_parameters(restart).status == "passed"
    finding, _ = check_runs(Trials(restart, restart.quick_params))
    assert finding.status == "passed", finding


def test_a_killed_run_resumes_with_the_same_numbers(restart):
    finding = check_resume(ShortRuns(Trials(restart, restart.quick_params)))
    assert finding.status == "passed", finding


def test_each_class_keeps_the_same_share_and_its_smallest_losses(restart):
    method = fitted(restart, keep=0.5)
    labels = make_run(max_epochs=2).labels
    for label in labels.unique():
        members = labels == label
        kept = members & method.kept
        assert kept.sum() == max(1, round(int(members.sum()) / 2))
        left = members & ~method.kept
        assert method.losses[kept].max() <= method.losses[left].min()


def test_only_the_classifier_is_renewed_and_trained_alone(restart, monkeypatch):
    seen = []

    def renew_classifier(self, run):
        before = {name: value.clone() for name, value in self.network.named_parameters()}
        renewed(self, run)
        after = dict(self.network.named_parameters())
        seen.append({name for name in before if not torch.equal(before[name], after[name])})
        assert all(value.requires_grad for value in after.values())

    renewed = restart.renew_classifier
    monkeypatch.setattr(restart, "renew_classifier", renew_classifier)
    method = fitted(restart)
    [changed] = seen
    own = {id(value) for value in method.network.classifier.parameters()}
    assert changed == {n for n, value in method.network.named_parameters() if id(value) in own}


def test_the_average_predicts(restart):
    method = fitted(restart)
    assert method.trained_networks() == [method.average]
    weights = zip(method.average.parameters(), method.network.parameters(), strict=True)
    assert not all(torch.equal(mine, theirs) for mine, theirs in weights)
