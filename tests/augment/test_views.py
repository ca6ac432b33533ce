"""Batched views against torchvision's operations on single images."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as single

from lnlbench.augment.views import PADDING, POLICIES, ImageViews
from lnlbench.errors import UsageError

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
CPU = torch.device("cpu")


def make(policy="crop-flip", shape=(6, 3, 32, 32)):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return images, ImageViews(images, MEAN, STD, policy, CPU)


@settings(max_examples=30)
@given(st.integers(0, 5), st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_a_view_is_torchvisions_pad_crop_flip_normalize(index, top, left, flip):
    images, views = make()
    expected = single.crop(single.pad(images[index], [PADDING] * 4), top, left, 32, 32)
    if flip:
        expected = single.horizontal_flip(expected)
    expected = single.normalize(single.to_dtype(expected, torch.float32, scale=True), MEAN, STD)
    found = views.view(torch.tensor([index]), torch.tensor([[top, left, int(flip)]]))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_plain_images_are_only_normalized():
    images, views = make(shape=(6, 3, 20, 28))
    expected = single.normalize(single.to_dtype(images, torch.float32, scale=True), MEAN, STD)
    torch.testing.assert_close(views.plain(2, 5), expected[2:5], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
def test_draws_follow_the_policy_and_cover_its_range(policy):
    _, views = make(policy)
    draws = views.draw("weak", 3000, torch.Generator().manual_seed(0))
    seen = [set(column.tolist()) for column in draws.unbind(1)]
    moves = set(range(2 * PADDING + 1)) if policy != "none" else {PADDING}
    assert seen == [moves, moves, {0, 1} if policy == "crop-flip" else {0}]
    assert views.draw("none", 5, torch.Generator()).tolist() == [[PADDING, PADDING, 0]] * 5


def test_views_are_channels_last_so_convolutions_need_no_copy():
    _, views = make()
    draw = views.draw("weak", 6, torch.Generator())
    view = views.view(torch.arange(6), draw)
    assert view.is_contiguous(memory_format=torch.channels_last)


def test_an_unknown_policy_is_refused():
    with pytest.raises(UsageError, match=r"crop-flop.*Did you mean 'crop-flip'"):
        make("crop-flop")
