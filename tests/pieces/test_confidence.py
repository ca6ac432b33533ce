"""The confidence regularizer against a slow version, and its weight over a run."""

import math

import pytest
import torch

from lnlbench.pieces.confidence import expected_cross_entropy, regularizer_weight


def test_it_is_the_mean_loss_of_labels_drawn_from_the_prior():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(6, 3, generator=generator, dtype=torch.float64)
    prior = [0.2, 0.5, 0.3]
    expected = []
    for row in logits.tolist():
        total = sum(math.exp(value) for value in row)
        expected.append(
            sum(
                -share * math.log(math.exp(x) / total + 1e-8)
                for share, x in zip(prior, row, strict=True)
            )
        )
    measured = expected_cross_entropy(logits, torch.tensor(prior, dtype=torch.float64), 1e-8)
    assert measured.tolist() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0), (10, 0), (24, 28 / 29), (39, 2), (99, 2)])
def test_the_weight_grows_between_a_tenth_and_39_hundredths_of_the_run(epoch, weight):
    assert regularizer_weight(epoch, 100, 2.0) == pytest.approx(weight)
    assert regularizer_weight(2 * epoch, 200, 2.0) == pytest.approx(weight)
