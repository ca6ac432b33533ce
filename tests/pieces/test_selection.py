"""Labeled and unlabeled sets by a belief, and what a run records of them."""

import pytest
import torch

from lnlbench.pieces.selection import record_selection, split_by_belief
from lnlbench.testing.small_runs import make_run

N = 20


def split(belief, threshold=0.5, labels=None):
    """The two sets, and the names of the events; batches are of 8, so half of one is 4."""
    labels = torch.arange(N) % 4 if labels is None else labels
    run = make_run(samples=N, batch_size=8, labels=labels)
    labeled, unlabeled = split_by_belief(run, torch.tensor(belief), threshold)
    assert sorted(torch.cat([labeled, unlabeled]).tolist()) == list(range(N)), "each sample once"
    return labeled.tolist(), unlabeled.tolist(), [event.event for event in run.events]


def test_samples_above_the_threshold_are_labeled():
    belief = [0.9] * 8 + [0.5] * 2 + [0.1] * 10
    assert split(belief) == (list(range(8)), list(range(8, N)), [])
    assert split(belief, threshold=0.4)[0] == list(range(10))


@pytest.mark.parametrize("above", [0, 1])
def test_fewer_than_two_are_replaced_by_half_a_batch_of_the_most_credible(above):
    belief = [0.1 + 0.01 * i for i in range(N)]
    belief[-1] = 0.9 if above else 0.4
    labeled, _, events = split(belief)
    assert labeled == [16, 17, 18, 19]
    assert events == ["empty labeled set"]


@pytest.mark.parametrize("below", [0, 1])
def test_no_single_sample_stays_unlabeled(below):
    labeled, unlabeled, events = split([0.1] * below + [0.9] * (N - below))
    assert (labeled, unlabeled, events) == (list(range(N)), [], ["empty unlabeled set"])


def test_classes_without_a_labeled_sample_are_an_event():
    labels = torch.arange(N) // 5
    assert split([0.9] * 10 + [0.1] * 10, labels=labels)[2] == ["absent classes"]


def test_the_share_and_the_absent_classes_are_recorded():
    run = make_run(samples=N, labels=torch.arange(N) // 5)
    record_selection(run, torch.arange(N) < 5, "selected")
    assert run.logged.means() == {"labeled_share": pytest.approx(0.25)}
    assert [event.detail for event in run.events] == ["3 of 4 have no selected sample"]
