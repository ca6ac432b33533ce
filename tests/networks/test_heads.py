"""Heads on frozen features: their dropout against its definition, their shapes and errors."""

import pytest
import torch

from lnlbench.errors import UsageError
from lnlbench.networks.heads import HEADS, FeatureDropout, build_head


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(512, 97), (3, 5)])
def test_dropout_drops_its_share_and_keeps_the_mean(share, shape):
    torch.manual_seed(0)
    dropout = FeatureDropout(share)
    rounds = torch.stack([dropout(torch.ones(shape)) for _ in range(2000 // shape[0])])
    exact = round(256 * share) / 256
    kept = rounds[rounds != 0]
    assert torch.allclose(kept, torch.full_like(kept, 1 / (1 - exact)))
    # Five standard deviations of a mean of independent draws.
    assert (rounds == 0).float().mean() == pytest.approx(
        exact, abs=5 * (exact * (1 - exact) / rounds.numel()) ** 0.5
    )


def test_neighboring_entries_are_dropped_independently():
    torch.manual_seed(1)
    dropped = (FeatureDropout(0.5)(torch.ones(4096, 64)) == 0).float()
    correlation = torch.corrcoef(dropped.T).fill_diagonal_(0)
    assert correlation.abs().max() < 5 / 4096**0.5


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_nothing_is_dropped_in_eval_mode_or_without_a_share(share):
    features = torch.randn(7, 9)
    dropout = FeatureDropout(share)
    dropout.train(share == 0)
    assert torch.equal(dropout(features), features)


def test_the_same_seed_drops_the_same_and_the_input_stays():
    features = torch.randn(8, 33)
    before = features.clone()
    dropout = FeatureDropout(0.3)
    torch.manual_seed(3)
    first = dropout(features)
    torch.manual_seed(3)
    assert torch.equal(dropout(features), first)
    assert not torch.equal(dropout(features), first)
    assert torch.equal(features, before)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_learns_through_its_dropout(name):
    head = build_head(name, 12, 5, 0.1)
    logits = head(torch.randn(4, 12, requires_grad=True))
    assert logits.shape == (4, 5)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_an_unknown_head_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="linear"):
        build_head("liner", 12, 5, 0.0)
