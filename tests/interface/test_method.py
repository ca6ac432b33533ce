"""What a method declares: the threshold of its selection, and its quick parameters."""

import pytest
import torch
from registry import PLUGINS
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.interface.params import validate_params
from lnlbench.testing.trials import Trials, digits


class Believing(lnlbench.LossMethod):
    """Believes in the samples by their index, and selects above its own threshold."""

    name = "believing"
    reference = "Nobody (2026): an example"
    threshold = 0.5

    def fit(self, run):
        self.belief = torch.arange(run.num_samples) / run.num_samples
        super().fit(run)

    def loss(self, network, batch, epoch):
        return cross_entropy(network(batch.views[0]), batch.labels)

    def clean_probability(self):
        return self.belief

    def clean_threshold(self):
        return self.threshold


class Choosy(Believing):
    """The same, with a high threshold."""

    threshold = 0.805  # between two beliefs, which are float32


class Silent(Believing):
    """The same, with the threshold of every method that declares no other."""

    clean_threshold = lnlbench.Method.clean_threshold


@pytest.mark.parametrize("method", [Believing, Choosy, Silent])
def test_selection_is_measured_at_the_methods_own_threshold(method):
    dataset = digits(100)
    scores = Trials(method, {}).run(dataset).result.scores
    clean = (dataset.human_labels["given"] == dataset.train_labels).tolist()
    selected = [sample / 100 > method.threshold for sample in range(100)]
    right = sum(a and b for a, b in zip(clean, selected, strict=True))
    assert scores.label_precision == pytest.approx(right / sum(selected))
    assert scores.label_recall == pytest.approx(right / sum(clean))


@pytest.mark.parametrize("name", ["dividemix", "embedding-filter"])
def test_a_threshold_that_can_be_set_is_the_one_that_is_measured_at(name):
    method = PLUGINS.method(name)
    params = validate_params(name, method.Params, {"clean_threshold": 0.7})
    assert method(params).clean_threshold() == 0.7


@pytest.mark.parametrize("name", sorted(PLUGINS.methods))
def test_a_warm_up_whose_length_can_be_set_is_short_in_quick_runs(name):
    method = PLUGINS.method(name)
    if "warmup_epochs" in method.Params.model_fields:
        assert method.quick_params["warmup_epochs"] <= 1
    assert set(method.quick_params) <= set(method.Params.model_fields)
