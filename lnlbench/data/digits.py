"""scikit-learn's 1,797 handwritten digits (Alpaydin and Kaynak, 1998) as small color images."""

import numpy as np
import torch
from torch.nn.functional import interpolate

from lnlbench.data.access import announce_reading
from lnlbench.data.dataset import Dataset

TEST_COUNT = 500
SIZE = 32


def load_digits_dataset() -> Dataset:
    """1,297 training and 500 test images, uint8 RGB 32x32, split by class; needs no network.

    The 8x8 images with values 0 to 16 are enlarged bilinearly, then scaled to 0 to 255.
    """
    from sklearn.datasets import load_digits

    announce_reading("digits")
    raw = load_digits()
    small = torch.from_numpy(raw.images).float().unsqueeze(1)
    # Interpolating before scaling keeps every value exact on every machine.
    large = interpolate(small, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    images = (large * 255 / 16).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    labels = torch.from_numpy(raw.target.astype(np.int64))
    test = torch.from_numpy(_test_indices(raw.target))
    train = torch.from_numpy(np.setdiff1d(np.arange(len(labels)), test.numpy()))
    scaled = images[train].double() / 255
    return Dataset(
        name="digits",
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        classes=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        mean=tuple(round(float(value), 4) for value in scaled.mean(dim=(0, 2, 3))),
        std=tuple(round(float(value), 4) for value in scaled.std(dim=(0, 2, 3))),
        notes=("8x8 grayscale digits, enlarged bilinearly to 32x32 RGB",),
    )


def _test_indices(labels: np.ndarray) -> np.ndarray:
    # RandomState, because NumPy promises that its stream never changes: the split is part of
    # every published number.
    random = np.random.RandomState(0)
    counts = np.bincount(labels)
    shares = counts * TEST_COUNT / len(labels)
    sizes = np.floor(shares).astype(int)
    missing = TEST_COUNT - sizes.sum()
    sizes[np.argsort(sizes - shares, kind="stable")[:missing]] += 1
    chosen = [
        random.permutation(np.flatnonzero(labels == digit))[:size]
        for digit, size in enumerate(sizes)
    ]
    return np.sort(np.concatenate(chosen))
