"""The check of memory: a method that holds more tensors after every step fails, no other does."""

import pytest
import torch
from small_method import Small, trials_of_small

from lnlbench.testing.memory import check_memory


def _keep_loss(self, network, batch, epoch):
    loss = Small.loss(self, network, batch, epoch)
    self.kept.append(loss)
    return loss


def _keep_outputs(self, network, batch, epoch):
    self.kept.append(network(batch.views[0]).detach())
    return Small.loss(self, network, batch, epoch)


def _sum_another_graph(self, network, batch, epoch):
    # One tensor on self, whose graph holds the activations of all steps.
    self.sum = getattr(self, "sum", 0) + network(batch.views[0]).square().mean()
    return Small.loss(self, network, batch, epoch)


@pytest.mark.parametrize("loss", [_keep_loss, _keep_outputs, _sum_another_graph])
def test_memory_that_grows_from_step_to_step(loss):
    finding = check_memory(trials_of_small(loss=loss))
    assert finding.status == "failed"
    assert "more in each epoch of 8 batches" in finding.found


def _empty(self, run, epoch):
    self.kept = []


def _one_an_epoch(self, run, epoch):
    self.history = [*getattr(self, "history", []), torch.cat(self.kept)]
    self.kept = []


@pytest.mark.parametrize("end_epoch", [_empty, _one_an_epoch])
def test_what_an_epoch_gathers_is_no_leak(end_epoch):
    finding = check_memory(trials_of_small(loss=_keep_outputs, end_epoch=end_epoch))
    assert finding.status == "passed", finding


def test_a_loss_as_a_number_is_no_leak():
    def loss(self, network, batch, epoch):
        found = Small.loss(self, network, batch, epoch)
        self.kept.append(found.item())
        return found

    assert check_memory(trials_of_small(loss=loss)).status == "passed"
