"""Compare judges and their combinations with the truth, from what `judge_in_folds.py` stored.

python docs/notebook/score_judges.py --features train-0.npy --dataset cifar100-coarse \
    --noise noisy-coarse --folds 0,1 --store judged --output scores.json
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lnlbench.audit.cross_fitting import deal_folds
from lnlbench.audit.findings import combined
from lnlbench.audit.likeness import unit_vectors
from lnlbench.audit.suspicion import Posterior, fit_posterior, suspicion
from lnlbench.data.load import load_dataset
from lnlbench.metrics.detection import detection_quality, suspicion_calibration
from lnlbench.pieces.neighbors import nearest
from lnlbench.system.console import Console

FOLDS, NEIGHBORS = 5, 20
JUDGES = ("dividemix", "elr-plus", "gce", "elr", "ce", "knn")
SETS = (
    ("dividemix", "gce"),
    ("dividemix", "elr"),
    ("dividemix", "elr-plus"),
    ("elr-plus", "gce"),
    ("elr", "gce"),
    ("dividemix", "elr", "gce"),
    ("dividemix", "elr-plus", "gce"),
    ("dividemix", "elr-plus", "gce", "elr", "ce"),
)


class Judged:
    """The samples of the folds that were judged, and every judge's log probabilities of them.

    `own` float32 [M, C] come from the model of the sample's own fold, `near` are its mean
    probabilities of the sample's neighbors, and `all_models` the mean of all models' own.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        dataset = load_dataset(given.dataset)
        noisy = dataset.human_labels[given.noise]
        folds = deal_folds(noisy, FOLDS, torch.arange(len(noisy)), given.seed)
        chosen = [int(fold) for fold in given.folds.split(",")]
        self.rows = torch.isin(folds, torch.tensor(chosen)).nonzero().squeeze(1)
        self.labels = noisy[self.rows]
        self.wrong = (noisy != dataset.train_labels)[self.rows].numpy()
        self._folds, self._chosen, self._noisy = folds, chosen, noisy
        self._place, self._seed = given.store / given.noise, given.seed
        self._neighbors = self._nearest(given.store / "neighbors.npy", given.features)
        self.own: dict[str, Tensor] = {}
        self.near: dict[str, Tensor] = {}
        self.all_models: dict[str, Tensor] = {}
        for name in JUDGES:
            files = [self._place / f"{name}-seed{given.seed}-fold{fold}.npy" for fold in chosen]
            if all(file.exists() for file in files):
                self._read(name, files)

    def _nearest(self, file: Path, features: Path) -> Tensor:
        if not file.exists():
            units = unit_vectors(torch.from_numpy(np.array(np.load(features))))
            np.save(file, nearest(units, units, NEIGHBORS, exclude_self=True).index.numpy())
        return torch.from_numpy(np.load(file))

    def _read(self, name: str, files: list[Path]) -> None:
        logits = [torch.from_numpy(np.load(file)) for file in files]
        own = torch.empty(len(self.rows), logits[0].shape[1])
        mine = [self._folds[self.rows] == fold for fold in self._chosen]
        for each, where in zip(logits, mine, strict=True):
            own[where] = each[self.rows[where]]
        temperature = fit_posterior(own, self.labels).temperature
        self.own[name] = (own / temperature).log_softmax(1)
        near = torch.empty_like(own)
        for each, where in zip(logits, mine, strict=True):
            probabilities = (each / temperature).softmax(1)
            index = self._neighbors[self.rows[where]]
            near[where] = sum(probabilities[index[:, k]] for k in range(NEIGHBORS)) / NEIGHBORS
        self.near[name] = near.clamp(min=1e-8).log()
        parts = [(each[self.rows] / temperature).log_softmax(1) for each in logits]
        self.all_models[name] = torch.stack(parts).mean(0)


def variants(judged: Judged) -> Iterator[tuple[str, int, list[Tensor]]]:
    """The name of each variant, its trained models per fold, and log probabilities per judge."""
    known = judged.own
    sets = [names for names in SETS if all(name in known for name in names)]
    for name in known:
        yield name, 1, [known[name]]
        yield f"{name}, all models", 1, [judged.all_models[name]]
        yield f"{name}, neighbors", 1, [(known[name] + judged.near[name]) / 2]
    for names in sets:
        title, own = " + ".join(names), [known[name] for name in names]
        mean = torch.stack(own).mean(0)
        near = torch.stack([judged.near[name] for name in names]).mean(0)
        every = torch.stack([judged.all_models[name] for name in names]).mean(0)
        yield f"{title}, ranks", len(names), own
        yield f"{title}, probabilities", len(names), [mean]
        yield f"{title}, probabilities, neighbors", len(names), [(mean + near) / 2]
        yield f"{title}, probabilities, all models", len(names), [every]


def scored(log_probabilities: list[Tensor], judged: Judged) -> dict[str, Any]:
    """The measures of one variant."""
    posteriors: list[Posterior] = [fit_posterior(each, judged.labels) for each in log_probabilities]
    values, probabilities = combined(posteriors)
    flagged = (probabilities.argmax(1) != judged.labels).numpy()
    held = np.mean([suspicion(each.log_odds) for each in posteriors], 0)
    return {
        **detection_quality(values, flagged, judged.wrong),
        "f1_above_half": detection_quality(values, values > 0.5, judged.wrong)["flagged_f1"],
        "estimated_noise_rate": float(held.mean()),
        "temperatures": [each.temperature for each in posteriors],
        "calibration": suspicion_calibration(values, judged.wrong),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Score every variant whose judges are stored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--dataset", default="cifar100")
    parser.add_argument("--noise", default="noisy-fine")
    parser.add_argument("--folds", default="0,1,2,3,4")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    judged = Judged(given)
    console = Console(highlight=False)
    found = {}
    for name, models, log_probabilities in variants(judged):
        row = found[name] = {"models": models, **scored(log_probabilities, judged)}
        console.print(
            f"{row['average_precision']:.4f} {row['auroc']:.4f} {row['precision_at_100']:.2f} "
            f"{row['precision_at_true_number']:.3f} {row['flagged_f1']:.3f} "
            f"{row['estimated_noise_rate']:.3f} {models} {name}"
        )
    given.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
