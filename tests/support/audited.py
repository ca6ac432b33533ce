"""A small audit with known wrong labels: digits as pictures and as features."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from lnlbench.audit.conduct import judge_samples
from lnlbench.audit.judge import Judge
from lnlbench.audit.samples import make_samples
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.system.progress import shown_progress

COUNT = 400
# Names that a page must escape, and that a table must guard.
NAMES = [f"<b>{number}&</b>" if number < 5 else f"={number}" for number in range(10)]


def noisy_digits(seed=0):
    """Features [400, 64], names of true classes, names with a fifth of them moved, and paths."""
    images, truth = load_digits(return_X_y=True)
    random = np.random.default_rng(seed)
    given = truth[:COUNT].copy()
    moved = random.random(COUNT) < 0.2
    given[moved] = (given[moved] + random.integers(1, 10, moved.sum())) % 10
    paths = [f"{NAMES[label]}/{number:03}.png" for number, label in enumerate(given)]
    names = [NAMES[label] for label in given]
    return images[:COUNT].astype(np.float32), [NAMES[each] for each in truth[:COUNT]], names, paths


def small_audit(decisions=None, labels=None):
    """An audit of these digits by cross-entropy in three folds."""
    features, clean, given, paths = noisy_digits()

    def picture(rows):
        gray = features[rows].reshape(-1, 1, 8, 8) * 15
        return gray.astype(np.uint8).repeat(3, 1).repeat(4, 2).repeat(4, 3)

    samples = make_samples(
        torch.from_numpy(features),
        labels or given,
        paths,
        source="digits",
        clean=clean,
        decisions=decisions,
        picture=picture,
    )
    judges = [Judge.of(CrossEntropy, {})]
    return judge_samples(samples, judges, 3, 0, torch.device("cpu"), shown_progress)
