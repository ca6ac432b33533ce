"""VolMinNet: matrix and loss against slow versions, its two optimizers, and planted flips."""

import pytest
import slow_transition as slow
import torch
from lnlbench_transition.volminnet import TransitionMatrix, VolMinNet, volume_minimizing_loss
from planted import belief_in_truth, flips, planted_run

from lnlbench.interface.run import Run
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing.small_runs import make_run

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw(samples=12):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(samples, CLASSES, generator=generator, dtype=torch.float64)
    return logits, torch.randint(CLASSES, (samples,), generator=generator)


def drawn_matrix():
    matrix = TransitionMatrix(CLASSES, start=1.0).double()
    generator = torch.Generator().manual_seed(1)
    matrix.weight.data += torch.randn(CLASSES, CLASSES, generator=generator, dtype=torch.float64)
    return matrix


def test_the_matrix_is_normalized_sigmoids_beside_a_diagonal_of_ones():
    matrix = drawn_matrix()
    expected = slow.transition_matrix(matrix.weight.tolist())
    assert torch.allclose(matrix(), torch.tensor(expected, dtype=torch.float64), atol=1e-12)
    assert torch.equal(matrix().argmax(1), torch.arange(CLASSES))


def test_it_begins_as_the_authors_matrix_for_cifar100_does():
    matrix = TransitionMatrix(100, VolMinNet.Params().start)()
    assert matrix.diagonal().tolist() == pytest.approx([0.479] * 100, abs=0.001)
    assert torch.linalg.slogdet(matrix).logabsdet.item() == pytest.approx(-74, abs=0.5)


@pytest.mark.parametrize("volume_weight", [0.0, 0.3])
def test_the_loss_is_that_through_the_matrix_plus_the_weighted_log_volume(volume_weight):
    logits, labels = draw()
    matrix = drawn_matrix()().detach()
    rows = matrix.tolist()
    through = slow.mean(
        slow.forward(row, int(y), rows) for row, y in zip(logits.tolist(), labels, strict=True)
    )
    measured = volume_minimizing_loss(logits, labels, matrix, volume_weight)
    expected = through + volume_weight * slow.log_volume(rows)
    assert measured.item() == pytest.approx(expected, **exactly)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_network_and_matrix_step_together_and_follow_the_schedule(monkeypatch, optimizer):
    rates, original = [], Run.step

    def step(self, loss, *optimizers):
        rates.extend([each.param_groups[0]["lr"] for each in optimizers])
        original(self, loss, *optimizers)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=16, max_epochs=3)  # whose rate is halved every epoch
    method = VolMinNet(VolMinNet.Params(transition_optimizer=optimizer, transition_lr=0.04))
    method.fit(run)
    assert rates == pytest.approx([0.1, 0.04, 0.05, 0.02, 0.025, 0.01])
    start = torch.full((4, 4), -4.5)
    assert not torch.allclose(method.transition.weight, start, atol=1e-4)
    assert method.trained_networks() == [method.network]
    assert method.transition_optimizer.defaults["weight_decay"] == 0


def test_planted_flips_are_found_and_undone():
    run, right = planted_run(0.3, max_epochs=24)
    method = VolMinNet(VolMinNet.Params(start=2.0))
    method.fit(run)
    assert (method.transition() - flips(0.3)).abs().max() < 0.1
    assert belief_in_truth(method.network, run, right) > 0.9


def test_the_native_recipe_has_the_authors_schedule():
    protocol = build_spec(VolMinNet, "cifar100n-resnet34", "native").protocol
    assert (protocol.epochs, protocol.backbone, protocol.batch_size) == (80, "resnet34", 128)
    assert [share * protocol.epochs for share in protocol.milestones] == [30, 60]
    optimizer = protocol.optimizer
    assert (optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (0.01, 0.9, 1e-4)
