"""Strong policies: operations against PIL on single images, and how often each is drawn."""

import pytest
import slow_policies as slow
import torch
from PIL import Image
from smooth_images import images_of, seeded
from torchvision.transforms import AutoAugmentPolicy
from torchvision.transforms.v2 import AutoAugment as TorchvisionAutoAugment
from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image

from lnlbench.augment import policies
from lnlbench.augment.operations import Operation, apply_by_code
from lnlbench.augment.policies import SUB_POLICIES, AutoAugment, RandAugment

SIGNED = policies._SIGNED


# Operations, against PIL


def against_pil(operation, channels):
    """Absolute differences of pixels, float [B, C, H, W]."""
    images = images_of(channels=channels)
    smooth = Image.Resampling.BILINEAR if operation.smooth else Image.Resampling.NEAREST
    smooth = smooth if operation.name.startswith("shear") else Image.Resampling.NEAREST
    settings = (operation.name, operation.level, operation.sign, operation.fill, smooth)
    expected = torch.stack(
        [pil_to_tensor(slow.operate(to_pil_image(image), *settings)) for image in images]
    )
    found = operation(images)
    assert (found.dtype, found.shape) == (torch.uint8, images.shape)
    return (found.float() - expected.float()).abs()


EXACT = ("identity", "translate-x", "translate-y", "posterize", "solarize", "equalize", "invert")
NEARLY = ("brightness", "color", "contrast", "sharpness", "autocontrast")  # rounding alone differs


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0.0, 1 / 9, 5 / 9, 1.0])
@pytest.mark.parametrize("name", [*EXACT, *NEARLY])
def test_an_operation_is_pils(name, level, channels):
    for sign in (1, -1) if name in SIGNED else (1,):
        difference = against_pil(Operation(name, level, sign, fill=128), channels)
        assert difference.max() <= (0 if name in EXACT else 2)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("level", [2 / 9, 8 / 9])
@pytest.mark.parametrize("name", ["shear-x", "shear-y", "rotate"])
def test_a_shear_or_rotation_is_pils_but_for_pixels_on_the_edge_between_two(name, level, smooth):
    for sign in (1, -1):
        difference = against_pil(Operation(name, level, sign, fill=128, smooth=smooth), 3)
        assert (difference > 8).float().mean() < 0.06


def test_one_call_serves_a_group_and_leaves_the_others_alone():
    images = images_of()
    operations = [Operation("identity"), Operation("invert"), Operation("equalize")]
    codes = torch.tensor([0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 1, 1])
    found = apply_by_code(images, codes, operations)
    for image, code, changed in zip(images, codes.tolist(), found, strict=True):
        assert torch.equal(changed, operations[code](image.unsqueeze(0))[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_cutout_paints_pils_rectangle(channels):
    images = images_of(4, channels)
    left, top, side = torch.tensor([[0, 3, 30, 31], [5, 0, 28, 31], [1, 16, 9, 16]])
    found = policies.cutout(images, left, top, side)
    color = (125, 123, 114) if channels == 3 else 123
    for row, image in enumerate(images):
        square = (int(left[row]), int(top[row]), int(side[row]))
        expected = slow.cutout(to_pil_image(image), *square, color)
        assert torch.equal(found[row], pil_to_tensor(expected))


# AutoAugment


def test_the_sub_policies_are_torchvisions():
    theirs = TorchvisionAutoAugment(AutoAugmentPolicy.CIFAR10)._policies
    unleveled = ("AutoContrast", "Equalize", "Invert")  # their strength is not adjustable
    assert len(theirs) == len(SUB_POLICIES)
    for ours, pair in zip(SUB_POLICIES, theirs, strict=True):
        for (name, probability, level), expected in zip(ours, pair, strict=True):
            assert name.replace("-", "") == expected[0].lower()
            assert probability == expected[1]
            assert expected[0] in unleveled or level == expected[2]


def test_sub_policies_are_drawn_with_their_probabilities_levels_and_signs():
    policy, count = AutoAugment(), 60_000
    draws = policy.draw(count, 32, 32, seeded())
    expected = torch.zeros(2, len(policy.operations), dtype=torch.float64)
    for pair in SUB_POLICIES:
        for slot, (name, probability, level) in enumerate(pair):
            both = name in SIGNED and name != "rotate"
            for sign in (1, -1) if both else (1,):
                plain = name in ("autocontrast", "equalize", "invert")
                wanted = Operation(name, 0 if plain else level / 9, sign, fill=128, smooth=True)
                share = probability / len(SUB_POLICIES) / (2 if both else 1)
                expected[slot, policy.operations.index(wanted)] += share
    expected[:, 0] = 1 - expected.sum(1)
    for slot in range(2):
        found = draws[:, slot].bincount(minlength=len(policy.operations)) / count
        error = (expected[slot] * (1 - expected[slot]) / count).sqrt()
        assert ((found - expected[slot]).abs() <= 5 * error).all()


def test_the_second_operation_follows_the_first_of_the_same_sub_policy():
    policy = AutoAugment()
    pairs = {tuple(name for name, _, _ in pair) for pair in SUB_POLICIES}
    for first, second in policy.draw(3000, 32, 32, seeded()).unique(dim=0).tolist():
        names = policy.operations[first].name, policy.operations[second].name
        assert "identity" in names or names in pairs


def test_without_probability_nothing_changes():
    policy, images = AutoAugment(), images_of()
    policy.probabilities = torch.zeros_like(policy.probabilities)
    assert torch.equal(policy.apply(images, policy.draw(12, 32, 32, seeded())), images)


def test_both_operations_are_applied_in_order():
    policy, images = AutoAugment(), images_of()
    draws = policy.draw(12, 32, 32, seeded(3))
    found = policy.apply(images, draws)
    for image, row, changed in zip(images, draws.tolist(), found, strict=True):
        first, second = (policy.operations[code] for code in row)
        assert torch.equal(changed, second(first(image.unsqueeze(0)))[0])


# RandAugment


def test_operations_are_drawn_evenly_and_in_both_directions():
    policy, count = RandAugment(2, 9), 30_000
    draws = policy.draw(count, 32, 32, seeded())
    assert draws.shape == (count, 2 + 3)
    for slot in range(2):
        shares = draws[:, slot].bincount(minlength=28).double() / count
        for number, name in enumerate(policies.RAND_OPERATIONS):
            signs = shares[2 * number : 2 * number + 2]
            assert abs(float(signs.sum()) - 1 / 14) < 0.008
            assert abs(float(signs[0]) - (1 / 28 if name in SIGNED else 1 / 14)) < 0.008


@pytest.mark.parametrize("magnitude", [0, 6, 30])
def test_the_magnitude_is_that_of_every_operation(magnitude):
    operations = RandAugment(1, magnitude).operations
    assert {operation.level for operation in operations} == {magnitude / 30}
    changes = [
        (operation(images_of()).float() - images_of().float()).abs().mean()
        for operation in operations
        if operation.name in (*SIGNED, "posterize", "solarize")
    ]
    assert all(change == 0 if magnitude == 0 else change > 0 for change in changes)


def test_a_larger_magnitude_changes_images_more():
    def change(magnitude):
        images = images_of(200)
        policy = RandAugment(1, magnitude)
        changed = policy.apply(images, policy.draw(200, 32, 32, seeded()))
        return float((changed.float() - images.float()).abs().mean())

    assert change(2) < change(10) < change(30)


def test_cutout_is_at_most_half_the_image_and_reaches_every_part_of_it():
    left, top, side = RandAugment(1, 6).draw(20_000, 32, 32, seeded())[:, 1:].unbind(1)
    assert (int(side.min()), int(side.max())) == (1, 16)
    for start in (left, top):
        assert (int(start.min()), int(start.max())) == (0, 31)
