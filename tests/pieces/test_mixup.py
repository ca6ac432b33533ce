"""Mixup's arithmetic against slow versions, and the law of its shares."""

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.pieces import mixup


def assert_close(measured, reference):
    measured, reference = np.asarray(measured, dtype=np.float64), np.asarray(reference)
    assert measured.shape == reference.shape
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


@pytest.mark.parametrize("size", [(6, 3, 4, 4), (9, 10), (1, 5)])
@pytest.mark.parametrize("share", [0.5, 0.731, 1.0])
def test_mix(size, share):
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(size, generator=generator)
    permutation = torch.randperm(size[0], generator=generator)
    reference = slow.mix(values.numpy(), share, permutation.tolist())
    assert_close(mixup.mix(values, share, permutation), reference)


@settings(max_examples=50)
@given(st.integers(0, 2**62), st.floats(0.05, 50))
def test_the_share_is_at_least_a_half_and_follows_the_generator(seed, alpha):
    shares = [mixup.draw_share(alpha, torch.Generator().manual_seed(seed)) for _ in range(2)]
    assert 0.5 <= shares[0] <= 1
    assert shares[0] == shares[1]


def test_shares_are_the_larger_part_of_beta_draws():
    generator = torch.Generator().manual_seed(0)
    shares = [mixup.draw_share(4.0, generator) for _ in range(2000)]
    drawn = np.random.default_rng(1).beta(4, 4, 200_000)
    expected = np.maximum(drawn, 1 - drawn)
    assert np.mean(shares) == pytest.approx(expected.mean(), abs=4 * expected.std() / 2000**0.5)
    assert np.std(shares) == pytest.approx(expected.std(), rel=0.1)


def test_drawing_a_share_leaves_the_global_streams_alone():
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    mixup.draw_share(4.0, torch.Generator().manual_seed(0))
    assert np.array_equal(numpy_state[1], np.random.get_state()[1])
    assert numpy_state[2] == np.random.get_state()[2]
    assert torch.equal(torch_state, torch.get_rng_state())


@settings(max_examples=50)
@given(st.integers(1, 8), st.integers(0, 2**32))
def test_mixing_with_share_one_changes_nothing(size, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(size, 3, generator=generator)
    permutation = torch.randperm(size, generator=generator)
    assert torch.equal(mixup.mix(values, 1.0, permutation), values)


def test_each_sample_has_its_own_larger_share():
    shares = mixup.draw_shares(8.0, 20_000, torch.Generator().manual_seed(0))
    drawn = np.random.default_rng(1).beta(8, 8, 200_000)
    expected = np.maximum(drawn, 1 - drawn)
    assert shares.dtype == torch.float32
    assert (shares >= 0.5).all()
    assert shares.mean().item() == pytest.approx(expected.mean(), abs=0.005)
    assert shares.std().item() == pytest.approx(expected.std(), rel=0.05)


def test_partners_are_a_permutation_that_follows_the_generator():
    drawn = [
        mixup.draw_partners(30, torch.Generator().manual_seed(seed), torch.device("cpu"))
        for seed in (0, 0, 1)
    ]
    assert sorted(drawn[0].tolist()) == list(range(30))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_every_sample_can_have_its_own_share():
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(5, 3, 4, 4, generator=generator)
    shares, partners = torch.rand(5, generator=generator), torch.tensor([4, 2, 0, 1, 3])
    measured = mixup.mix(values, shares.view(5, 1, 1, 1), partners)
    for i, share in enumerate(shares.tolist()):
        alone = slow.mix(values.numpy(), share, partners.tolist())[i]
        assert_close(measured[i], alone)


@pytest.mark.parametrize("shape", [(1, 2), (7, 2), (5, 10), (4, 100)])
def test_cross_entropy_with_soft_labels(shape):
    generator = torch.Generator().manual_seed(sum(shape))
    logits = 3 * torch.randn(shape, generator=generator)
    targets = torch.randn(shape, generator=generator).softmax(1)
    measured = mixup.soft_cross_entropy(logits, targets)
    assert_close(measured, slow.labeled_loss(logits.numpy(), targets.numpy()))
