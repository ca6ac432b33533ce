import hashlib

import torch

from lnlbench.data import load_dataset


def test_the_split_is_fixed_and_stratified():
    digits = load_dataset("digits")
    assert digits.train_images.shape == (1297, 3, 32, 32)
    assert digits.test_images.shape == (500, 3, 32, 32)
    whole = digits.train_labels.bincount() + digits.test_labels.bincount()
    share = digits.test_labels.bincount() / whole
    assert (share - 500 / 1797).abs().max() < 1 / whole.min()
    # Published numbers depend on these labels: a change of the split must be seen.
    assert hashlib.sha256(digits.train_labels.numpy().astype("<i8").tobytes()).hexdigest() == (
        "8226f47c95bd8426ceebcdd8334274094146d4d6817a2571a7d8a8c2c4972056"
    )
    assert hashlib.sha256(digits.train_images.numpy().tobytes()).hexdigest() == (
        "93704fa23dabe4213243d23bf5d2e22c87469a7b136528eecd98dbff03b7be8e"
    )


def test_no_image_is_in_both_splits():
    digits = load_dataset("digits")
    train = {image.numpy().tobytes() for image in digits.train_images}
    assert not any(image.numpy().tobytes() in train for image in digits.test_images)


def test_images_are_the_original_ones_enlarged():
    from sklearn.datasets import load_digits

    digits = load_dataset("digits")
    images = torch.cat([digits.train_images, digits.test_images]).float()
    assert images.max() == 255 and images.min() == 0
    assert torch.equal(images[:, 0], images[:, 1]) and torch.equal(images[:, 0], images[:, 2])
    # Means of 4x4 blocks give back the 8x8 originals, blurred by a part of a neighbor each.
    small = torch.nn.functional.avg_pool2d(images[:, :1], 4).flatten(1)
    raw = torch.from_numpy(load_digits().images).float().flatten(1) * 255 / 16
    nearest = torch.cdist(small, raw).argmin(dim=1)
    labels = torch.cat([digits.train_labels, digits.test_labels])
    agreement = (torch.from_numpy(load_digits().target)[nearest] == labels).float().mean()
    assert agreement > 0.99


def test_normalization_is_of_the_training_images():
    digits = load_dataset("digits")
    scaled = digits.train_images.double() / 255
    for channel in range(3):
        assert abs(scaled[:, channel].mean() - digits.mean[channel]) < 1e-4
        assert abs(scaled[:, channel].std() - digits.std[channel]) < 1e-4


def test_digits_have_no_human_labels_and_say_what_they_are():
    digits = load_dataset("Digits")
    assert dict(digits.human_labels) == {}
    assert digits.num_classes == 10
    assert "bilinear" in digits.notes[0]
