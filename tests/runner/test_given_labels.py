"""A method that changes the labels that it is given: told so, and scored on the original ones."""

import pytest
import torch
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.testing.trials import Trials, digits


class Relabeling(lnlbench.LossMethod):
    """Writes its own labels over those of the run."""

    name = "relabeling"
    reference = "Nobody (2026): an example"

    def write(self, labels):
        labels[:5] = (labels[:5] + 1) % 10

    def fit(self, run):
        self.given = run.labels
        super().fit(run)

    def loss(self, network, batch, epoch):
        self.write(self.given)
        return cross_entropy(network(batch.views[0]), batch.labels)


class ThroughNumpy(Relabeling):
    """Writes where torch does not notice."""

    def write(self, labels):
        labels.numpy()[0] = (labels[0] + 1) % 10


class AfterTheLastEpoch(Relabeling):
    """Writes when all epochs are over."""

    def write(self, labels):
        pass

    def fit(self, run):
        super().fit(run)
        run.labels.zero_()


class WithoutEpochs(Relabeling):
    """Trains nothing."""

    def fit(self, run):
        self.network = run.network()
        self.write(run.labels)


@pytest.mark.parametrize("method", [Relabeling, ThroughNumpy, AfterTheLastEpoch, WithoutEpochs])
def test_a_method_that_writes_to_its_labels_is_told_to_clone_them(method):
    dataset = digits(50)
    before = dataset.human_labels["given"].clone(), dataset.train_labels.clone()
    result = Trials(method, {}).run(dataset).result
    assert result.status == "failed"
    assert "Method 'relabeling' has written to run.labels" in result.error
    assert "run.labels.clone()" in result.error
    assert torch.equal(dataset.human_labels["given"], before[0])
    assert torch.equal(dataset.train_labels, before[1])


class ToldTheTruth(lnlbench.LossMethod):
    """Trains on the clean labels, and spoils them afterwards."""

    name = "told-the-truth"
    reference = "Nobody (2026): an example"
    oracle = frozenset({"clean_labels"})

    def fit(self, run):
        self.clean = run.clean_labels.clone()
        super().fit(run)

    def loss(self, network, batch, epoch):
        return cross_entropy(network(batch.views[0]), self.clean[batch.index])


class SpoilsTheTruth(ToldTheTruth):
    """The same, but writes over the clean labels that it was told."""

    def fit(self, run):
        self.clean = run.clean_labels.clone()
        run.clean_labels.zero_()
        lnlbench.LossMethod.fit(self, run)


def test_scores_do_not_depend_on_what_a_method_does_to_the_clean_labels_that_it_is_told():
    dataset = digits(50)
    honest, spoiling = (
        Trials(method, {}).run(dataset).result for method in (ToldTheTruth, SpoilsTheTruth)
    )
    assert (honest.status, spoiling.status) == ("done", "done")
    assert spoiling.curves == honest.curves
    assert spoiling.data.noise_rate == honest.data.noise_rate


class Cloning(Relabeling):
    """Writes to a copy."""

    def fit(self, run):
        self.given = run.labels.clone()
        lnlbench.LossMethod.fit(self, run)


def test_a_method_may_write_to_a_copy():
    assert Trials(Cloning, {}).run(digits(50)).done
