"""Run cleanlab on the features and the folds of the audit's judges; needs `pip install cleanlab`.

python docs/notebook/cleanlab_beside.py --features train-0.npy --dataset cifar100 \
    --noise noisy-fine --output cleanlab.json

Its usual recipe: the probabilities of a logistic regression, fitted without the fold that it
judges. Held-out noisy labels choose the regularization on the first fold.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cleanlab import __version__
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from lnlbench.audit.cross_fitting import deal_folds
from lnlbench.data.load import load_dataset
from lnlbench.metrics.detection import detection_quality
from lnlbench.system.console import Console

FOLDS = 5
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
STEPS = 100
METHODS = ("self_confidence", "normalized_margin")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, judge, compare with the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--dataset", default="cifar100")
    parser.add_argument("--noise", default="noisy-fine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    # A fit that is stopped after STEPS steps is what the file says it is.
    warnings.simplefilter("ignore", ConvergenceWarning)
    began = time.process_time()
    dataset = load_dataset(given.dataset)
    noisy = dataset.human_labels[given.noise]
    labels = noisy.numpy()
    folds = deal_folds(noisy, FOLDS, torch.arange(len(noisy)), given.seed).numpy()
    features = np.load(given.features, mmap_mode="r")
    losses = {
        strength: log_loss(labels[held_out], probabilities)
        for strength, held_out, probabilities in _fitted(features, labels, folds, [0], STRENGTHS)
    }
    chosen = min(losses, key=losses.__getitem__)
    Console(highlight=False).print(f"held-out loss by strength: {losses}")
    everything = np.empty((len(labels), len(dataset.classes)), np.float32)
    for _, held_out, probabilities in _fitted(features, labels, folds, range(FOLDS), [chosen]):
        everything[held_out] = probabilities
    flagged = find_label_issues(labels, everything, n_jobs=1)
    wrong = labels != dataset.train_labels.numpy()
    found: dict[str, Any] = {
        "cleanlab": __version__,
        "strength": chosen,
        "held_out_losses": losses,
        "cpu_seconds": time.process_time() - began,
    }
    for method in METHODS:
        quality = get_label_quality_scores(labels, everything, method=method)
        found[method] = detection_quality(-quality.astype(np.float64), flagged, wrong)
    given.output.write_text(json.dumps(found, indent=2) + "\n")


def _fitted(
    features: NDArray[np.float16],
    labels: NDArray[np.int64],
    folds: NDArray[np.int64],
    chosen: Any,
    strengths: Any,
) -> Iterator[tuple[float, NDArray[np.bool_], NDArray[np.float32]]]:
    """Each strength, the held-out samples of each chosen fold, and their probabilities."""
    for fold in chosen:
        held_out = folds == fold
        own = features[~held_out].astype(np.float32)
        mean, scale = own.mean(0), own.std(0)
        scale[scale == 0] = 1
        own = (own - mean) / scale
        other = (features[held_out].astype(np.float32) - mean) / scale
        # From strong to weak regularization, each fit begins where the last one ended.
        model = LogisticRegression(max_iter=STEPS, warm_start=True)
        for strength in strengths:
            model.set_params(C=strength).fit(own, labels[~held_out])
            yield strength, held_out, model.predict_proba(other)


if __name__ == "__main__":
    main()
