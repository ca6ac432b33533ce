"""Embedding views: which vectors a batch holds, standardized by the training set."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.errors import UsageError

CPU = torch.device("cpu")


def make(views=3, count=40, dimension=5):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(views, count, dimension, generator=generator) * 4 + 3
    features[:, :, 0] = 2.5  # a constant feature
    features = features.half()
    standardization = Standardization.of(features[0])
    return features, EmbeddingViews(list(features), standardization, CPU)


def test_the_plain_training_features_are_standardized():
    _, views = make()
    plain = views.plain(0, 40)
    assert plain.dtype == torch.float32
    torch.testing.assert_close(plain.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(plain[:, 1:].std(0, correction=0), torch.ones(4))
    assert (plain[:, 0] == 0).all()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2)), min_size=1, max_size=9))
def test_a_view_is_the_drawn_vector_of_its_sample(pairs):
    features, views = make()
    index, draw = torch.tensor(pairs).unbind(1)
    wanted = [features[view, sample].double() for sample, view in pairs]
    mean, std = features[0].double().mean(0), features[0].double().std(0, correction=0)
    std[0] = 1
    expected = (torch.stack(wanted) - mean) / std
    torch.testing.assert_close(views.view(index, draw).double(), expected, atol=1e-5, rtol=1e-5)


def test_weak_draws_every_view_and_none_only_the_plain_one():
    _, views = make()
    generator = torch.Generator().manual_seed(0)
    counts = views.draw("weak", 3000, generator).bincount()
    assert counts.shape == (3,)
    assert (counts > 900).all()
    none = views.draw("none", 40, generator)
    assert torch.equal(views.view(torch.arange(40), none), views.plain(0, 40))
    with pytest.raises(UsageError, match="strong"):
        views.draw("strong", 1, generator)


def test_one_view_is_all_there_is_to_draw():
    _, views = make(views=1)
    assert not views.draw("weak", 50, torch.Generator()).any()
