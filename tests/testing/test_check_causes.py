"""Each verdict of `lnlbench.testing` names the mistake itself, and not the check that met it."""

import gc
import os
import signal
from typing import ClassVar

import pytest
import torch
from small_method import Small, trials_of_small
from torch.nn.functional import cross_entropy

from lnlbench.errors import Interrupted
from lnlbench.testing.behavior import ShortRuns, check_resume, check_runs, check_seeds
from lnlbench.testing.edges import check_belief
from lnlbench.testing.privacy import check_privacy
from lnlbench.testing.trials import Trials


def _truths(run, objects):
    """All that could be the clean labels."""
    tensors = [each for each in objects if type(each) is torch.Tensor]
    alike = [each for each in tensors if each.dtype == torch.int64 and len(each.shape) == 1]
    return [
        each.clone()
        for each in alike
        if each.shape == run.labels.shape
        and int(each.max()) < run.num_classes
        and not torch.equal(each, run.labels)
    ]


def test_a_search_through_the_interpreters_objects():
    def begin(self, run):
        self.truths = _truths(run, gc.get_objects())

    finding = check_privacy(trials_of_small(begin=begin))
    assert finding.status == "failed"
    assert "searches all objects of the interpreter: gc.get_objects" in finding.found


def test_a_search_that_the_check_does_not_see_is_noticed_by_what_it_finds():
    # As a module has it that was imported before the check.
    hidden = gc.get_objects

    def begin(self, run):
        self.truths = _truths(run, hidden())

    def loss(self, network, batch, epoch):
        logits = network(batch.views[0])
        return sum(cross_entropy(logits, each[batch.index]) for each in self.truths)

    finding = check_privacy(trials_of_small(begin=begin, loss=loss))
    assert finding.status == "failed"
    assert "learns something else" in finding.found


def _urandom(self, network, batch, epoch):
    return Small.loss(self, network, batch, epoch) * (1 + os.urandom(1)[0] / 256)


def test_os_urandom_is_a_fault_of_seeds_alone():
    broken = trials_of_small(loss=_urandom)
    short = ShortRuns(broken)
    seeds, resume = check_seeds(short), check_resume(short)
    privacy = check_privacy(broken, short.repeatable)
    assert seeds.status == "failed"
    assert "os.urandom" in seeds.advice
    for other in (resume, privacy):
        assert other.status == "skipped"
        assert "see seeds" in other.found


class Collects(Small):
    """A set of samples that begins in an epoch which only some checks reach."""

    first: ClassVar[int] = 0

    def loss(self, network, batch, epoch):
        if epoch >= self.first:
            self.kept = {*self.kept, *batch.index.tolist()}
        return Small.loss(self, network, batch, epoch)

    def clean_probability(self):
        return torch.ones(len(self.belief)) if hasattr(self, "belief") else None


@pytest.mark.parametrize("first", [0, 5], ids=["at once", "late"])
def test_a_set_on_self_is_state_that_cannot_be_saved(first):
    broken = Trials(type("Collects", (Collects,), {"__doc__": "Broken.", "first": first}), {})
    if first:
        assert check_runs(broken)[0].status == "passed"
        finding = check_belief(broken)
    else:
        finding, _ = check_runs(broken)
    assert (finding.check, finding.status) == ("saved state", "failed")
    assert "'kept' holds a set" in finding.found
    assert "sorted list" in finding.advice


def test_an_error_of_another_kind_keeps_the_name_of_its_check():
    def loss(self, network, batch, epoch):
        self.kept = set()
        raise KeyError("oops")

    assert check_runs(trials_of_small(loss=loss))[0].check == "runs"


def test_a_signal_ends_the_check_and_is_no_fault_of_the_method():
    def loss(self, network, batch, epoch):
        os.kill(os.getpid(), signal.SIGTERM)
        return Small.loss(self, network, batch, epoch)

    with pytest.raises(Interrupted, match="stopped by SIGTERM"):
        check_runs(trials_of_small(loss=loss))
