"""FMix: its low-frequency images against a slow transform, and its masks."""

import math

import pytest
import slow_selection as slow
import torch
from lnlbench_selection.fmix import draw_mask, largest_pixels, low_frequency_image, mix_by_mask


@pytest.mark.parametrize("decay", [0.0, 3.0])
def test_amplitudes_decay_along_the_height_and_two_frequencies_remain_along_the_width(decay):
    noise = torch.randn(5, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    image = low_frequency_image(noise, 8, 8, decay)
    spectrum = [
        [
            complex(
                noise[a, 0, b] / max(a / 8, 1 / 8) ** decay,
                noise[a, 1, b] / math.hypot(a / 8, 1 / 8) ** decay,
            )
            for b in range(2)
        ]
        for a in range(5)
    ]
    expected = slow.inverse_transform(spectrum, 8, 8)
    assert image.flatten().tolist() == pytest.approx(
        [pixel for row in expected for pixel in row], rel=1e-9, abs=1e-9
    )


def test_the_largest_pixels_are_kept():
    image = torch.tensor([[0.1, 0.9], [0.5, -1.0]])
    assert largest_pixels(image, 2).tolist() == [[0, 1], [1, 0]]
    assert largest_pixels(image, 0).sum() == 0


def test_a_mask_has_the_share_that_was_drawn():
    generator = torch.Generator().manual_seed(0)
    masks = [draw_mask(1.0, 3.0, 16, 16, generator) for _ in range(40)]
    for mask in masks:
        assert set(mask.pixels.unique().tolist()) <= {0.0, 1.0}
        assert abs(mask.pixels.mean().item() - mask.share) < 1 / 256
    shares = [mask.share for mask in masks]
    assert min(shares) < 0.2 < 0.8 < max(shares)
    again = draw_mask(1.0, 3.0, 16, 16, torch.Generator().manual_seed(0))
    assert torch.equal(again.pixels, masks[0].pixels)


def test_images_are_taken_from_one_side_of_the_mask_or_from_the_other():
    images = torch.arange(3 * 2 * 4.0).view(3, 2, 2, 2)
    mask = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    mixed = mix_by_mask(images, mask, torch.tensor([1, 2, 0]))
    assert torch.equal(mixed[:, :, 0, 0], images[:, :, 0, 0])
    assert torch.equal(mixed[0, :, 0, 1], images[1, :, 0, 1])
