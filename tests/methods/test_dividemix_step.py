"""A step of DivideMix, and the loss of its warm-up, equal the slow implementation."""

from dataclasses import dataclass

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from spied_dividemix import Recorder, SpyRun, make_run

from lnlbench.interface.batch import Batch
from lnlbench.methods.dividemix import DivideMix
from lnlbench.pieces import mixup


def linear(network):
    weight, bias = network.linear.weight, network.linear.bias
    weight, bias = (part.detach().double().numpy() for part in (weight, bias))

    def logits(images):
        rows = np.asarray(images, dtype=np.float64).reshape(len(images), -1)
        return np.array(
            [[float(w @ row) + b for w, b in zip(weight, bias, strict=True)] for row in rows]
        )

    return logits


@dataclass
class Step:
    """The inputs of one step without batch normalization, for the two implementations."""

    run: SpyRun
    method: DivideMix
    networks: tuple[Recorder, Recorder]
    batch: Batch
    other: Batch | None
    belief: torch.Tensor

    def loss(self, ramp):
        # The draws of the step come from the run's generator: every call starts from the same.
        self.run.generator = torch.Generator().manual_seed(17)
        return self.method._loss(
            self.run, *self.networks, self.batch, self.other, self.belief, ramp
        )

    def mixed(self):
        """Inputs and soft labels by the slow implementation, given the draws of the step."""
        generator = torch.Generator().manual_seed(17)
        alpha = self.method.params.mixup_alpha
        share = mixup.draw_share(alpha, generator)
        rows = 2 * len(self.batch.index)
        rows += 0 if self.other is None else 2 * len(self.other.index)
        permutation = torch.randperm(rows, generator=generator).tolist()
        return slow.mixed_batch(
            linear(self.networks[0]),
            linear(self.networks[1]),
            [view.numpy() for view in self.batch.views],
            self.batch.labels.tolist(),
            self.belief.tolist(),
            [] if self.other is None else [view.numpy() for view in self.other.views],
            self.method.params.temperature,
            (share, permutation),
        )

    def slow_loss(self, ramp, mixed):
        params, (inputs, targets) = self.method.params, mixed
        logits = linear(self.networks[0])(inputs)
        lambda_u = params.lambda_u * ramp
        return slow.step_loss(
            logits, targets, 2 * len(self.batch.index), lambda_u, params.prior_penalty
        )


def make_step(unlabeled=True, sizes=(5, 7), **params):
    run = make_run(normalize=False)
    networks = run.network(), run.network()
    networks[0].train()
    networks[1].eval()
    indices = torch.arange(run.num_samples)
    batch = next(run.batches(indices[:20], batch_size=sizes[0]))
    other = next(run.batches(indices[20:], batch_size=sizes[1])) if unlabeled else None
    belief = torch.rand(sizes[0], generator=torch.Generator().manual_seed(3))
    method = DivideMix(DivideMix.Params(**params))
    return Step(run, method, networks, batch, other, belief)


@pytest.mark.parametrize("ramp", [0.0, 0.37, 1.0])
@pytest.mark.parametrize("unlabeled", [True, False], ids=["both", "labeled alone"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lambda_u": 0.0},
        {"lambda_u": 150.0, "temperature": 1.0, "mixup_alpha": 0.75, "prior_penalty": 0.3},
        {"guess_together": True},
    ],
    ids=["defaults", "no unlabeled loss", "others", "one pass of guessing"],
)
def test_a_step_is_the_slow_one(params, unlabeled, ramp):
    step = make_step(unlabeled, **params)
    reference = step.slow_loss(ramp, step.mixed())
    assert step.loss(ramp).item() == pytest.approx(reference, rel=1e-5)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("sizes", [(8, 8), (1, 8), (8, 1), (3, 8)])
def test_a_step_pairs_batches_of_any_sizes(sizes, together):
    step = make_step(sizes=sizes, guess_together=together)
    assert step.loss(0.5).item() == pytest.approx(step.slow_loss(0.5, step.mixed()), rel=1e-5)


@pytest.mark.parametrize("unlabeled", [True, False], ids=["both", "labeled alone"])
def test_gradients_are_of_the_mixed_loss_alone_with_soft_labels_held_fixed(unlabeled):
    step = make_step(unlabeled)
    network, peer = step.networks
    mixed = step.mixed()
    step.loss(0.5).backward()
    assert all(parameter.grad is None for parameter in peer.parameters())
    measured, reference = [], []
    for row, column in [(0, 0), (1, 7), (2, 20), (3, 35), (1, 14)]:
        measured.append(network.linear.weight.grad[row, column].item())
        weight, width = network.linear.weight.data, 2**-7
        losses = []
        for shift in (width, -width):
            before = weight[row, column].item()
            weight[row, column] = before + shift
            losses.append(step.slow_loss(0.5, mixed))
            weight[row, column] = before
        reference.append((losses[0] - losses[1]) / (2 * width))
    assert np.linalg.norm(np.subtract(measured, reference)) < 1e-3 * np.linalg.norm(reference)


@pytest.mark.parametrize("weight", [0.0, 1.0, 0.4])
def test_the_warm_up_loss_is_cross_entropy_with_the_confidence_penalty(monkeypatch, weight):
    run = make_run(normalize=False)
    network = run.network()
    optimizer = run.optimizer(network)
    logits, losses = [], []
    network.register_forward_hook(lambda *given: logits.append(given[2].detach().double().numpy()))
    monkeypatch.setattr(run, "step", lambda loss, optimizer: losses.append(loss.item()))
    method = DivideMix(DivideMix.Params(confidence_penalty=weight))
    method._warm_up(run, network, optimizer)
    labels = [batch.labels.tolist() for batch in make_run().batches(views=1)]  # the same order
    assert len(losses) == len(labels) == 4
    for loss, predicted, given in zip(losses, logits, labels, strict=True):
        reference = slow.cross_entropies(predicted, given).mean()
        reference += weight * slow.confidence_penalty(predicted)
        assert loss == pytest.approx(reference, rel=1e-5)
