"""Backward correction: its loss and its inverse against slow versions, and its two stages."""

import pytest
import slow_transition as slow
import torch
from lnlbench_transition.backward_correction import (
    BackwardCorrection,
    backward_corrected_loss,
    invert,
)
from planted import belief_in_truth, flips, planted_run

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw(samples=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(samples, CLASSES, generator=generator, dtype=torch.float64)
    return logits, torch.randint(CLASSES, (samples,), generator=generator)


def test_the_loss_weighs_the_losses_of_all_labels_by_a_row_of_the_inverse():
    logits, labels = draw()
    logits[0, 0] = 60  # beyond the margins
    inverse, _ = invert(draw(CLASSES, seed=1)[0].softmax(1), 1e12)
    expected = slow.mean(
        slow.backward(row, int(y), inverse.tolist())
        for row, y in zip(logits.tolist(), labels, strict=True)
    )
    measured = backward_corrected_loss(logits, labels, inverse)
    assert measured.item() == pytest.approx(expected, **exactly)


def test_under_the_flips_the_loss_is_in_the_mean_that_of_the_right_label():
    logits, _ = draw(1)
    matrix = draw(CLASSES, seed=2)[0].softmax(1)
    inverse, _ = invert(matrix, 1e12)
    losses = [backward_corrected_loss(logits, torch.tensor([y]), inverse) for y in range(CLASSES)]
    expected = [slow.cross_entropy(logits[0].tolist(), y) for y in range(CLASSES)]
    assert (matrix @ torch.stack(losses)).tolist() == pytest.approx(expected, rel=1e-9)


def test_a_good_matrix_is_inverted_as_it_is():
    matrix = flips(0.3)
    inverse, share = invert(matrix, 100)
    assert share == 0
    assert inverse.dtype == matrix.dtype
    identity = slow.product(matrix.tolist(), inverse.tolist())
    assert torch.allclose(torch.tensor(identity), torch.eye(4), atol=1e-6)


@pytest.mark.parametrize(
    "matrix",
    [
        torch.full((4, 4), 0.25),
        torch.tensor([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]]),
        torch.eye(3)[[1, 2, 0]],
    ],
    ids=["uniform", "two equal rows", "a cycle"],
)
@pytest.mark.parametrize("largest", [2.0, 100.0])
def test_any_matrix_is_inverted_after_mixing_with_as_little_of_the_identity_as_needed(
    matrix, largest
):
    inverse, share = invert(matrix, largest)
    assert inverse.isfinite().all()
    assert torch.allclose(inverse.sum(1), torch.ones(len(matrix)), atol=1e-4)
    mixed = torch.linalg.inv(inverse.double())
    expected = share * torch.eye(len(matrix)).double() + (1 - share) * matrix.double()
    assert torch.allclose(mixed, expected, atol=1e-4)
    if 0 < share < 0.6:
        less = expected - 0.01 * (torch.eye(len(matrix)) - matrix)
        assert torch.linalg.cond(mixed) <= 1.001 * largest < torch.linalg.cond(less) * 1.01


def test_two_stages_undo_planted_flips():
    stages = []
    run, right = planted_run(
        0.4, max_epochs=12, epoch_finished=lambda epoch: stages.append(method.trained_networks())
    )
    # The most confident samples of a linear head show too few flips.
    method = BackwardCorrection(BackwardCorrection.Params(discarded=0.1))
    method.fit(run)
    assert stages == [[method.estimator]] * 4 + [[method.network]] * 8
    assert run.events == []
    assert (torch.linalg.inv(method.inverse) - flips(0.4)).abs().max() < 0.15
    assert belief_in_truth(method.estimator, run, right) < 0.65
    assert belief_in_truth(method.network, run, right) > 0.85


def test_an_estimate_that_cannot_be_inverted_is_noted():
    run, _ = planted_run()
    method = BackwardCorrection(BackwardCorrection.Params())
    run.logits = lambda network: torch.zeros(run.num_samples, 4)
    method.estimator = None
    assert method._estimate(run).isfinite().all()
    [event] = run.events
    assert event.event == "matrix mixed with the identity"
    assert "above 100; the identity has a share of 0.0" in event.detail
