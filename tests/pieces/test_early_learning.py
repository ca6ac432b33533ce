"""Early-learning targets, their penalty and their belief, against slow versions."""

import pytest
import slow_methods as slow
import torch

from lnlbench.pieces.early_learning import (
    CLAMP,
    clamped_probabilities,
    early_learning_penalty,
    moved_targets,
    target_belief,
)


def draw(samples=12, classes=5, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


@pytest.mark.parametrize("momentum", [0.0, 0.7, 0.9])
def test_elr_targets_are_running_means_of_clamped_predictions(momentum):
    targets, reference = torch.zeros(12, 5), [[0.0] * 5] * 12
    for seed in range(4):
        logits, _ = draw(seed=seed, scale=8.0)
        given = clamped_probabilities(logits)
        assert given.min() >= CLAMP
        assert given.max() <= 1 - CLAMP
        targets = moved_targets(targets, given / given.sum(1, keepdim=True), momentum)
        reference = [
            slow.elr_target(target, row, momentum)
            for target, row in zip(reference, logits.tolist(), strict=True)
        ]
    assert torch.allclose(targets, torch.tensor(reference), atol=1e-6)


def test_elrs_penalty_falls_as_predictions_agree_with_targets():
    targets = torch.tensor([[0.9, 0.1]])
    agreeing, differing = torch.tensor([[0.9, 0.1]]), torch.tensor([[0.1, 0.9]])
    assert early_learning_penalty(targets, agreeing) < early_learning_penalty(targets, differing)


def test_the_penalty_of_a_batch():
    targets = draw(seed=1)[0].softmax(1)
    logits, labels = draw()
    measured = early_learning_penalty(targets, clamped_probabilities(logits))
    pairs = zip(targets.tolist(), logits.tolist(), labels.tolist(), strict=True)
    # ELR's loss at weight one, without the cross-entropy that it has beside the penalty.
    losses = [
        slow.elr_loss(target, row, label, 1.0) - slow.cross_entropy(row, label)
        for target, row, label in pairs
    ]
    assert measured.item() == pytest.approx(sum(losses) / 12, rel=1e-4)


def test_the_belief_is_the_targets_share_on_the_label():
    targets = torch.tensor([[0.3, 0.1], [0.0, 0.0], [0.2, 0.6]])
    belief = target_belief(targets, torch.tensor([0, 1, 0]))
    assert belief.tolist() == pytest.approx([0.75, 0.0, 0.25])
