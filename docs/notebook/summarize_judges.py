"""Write the summary.json of an audit from the folds that `judge_in_folds.py` stored.

python docs/notebook/summarize_judges.py --methods dividemix,gce --store judged \
    --cpu-seconds 1168 --source "what made the features" --output summary.json

It says what `lnlbench audit` would say of the same judges, without the most similar samples and the
agreement of the folds, which a table of detection does not need.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lnlbench import __version__
from lnlbench.audit.cross_fitting import deal_folds
from lnlbench.audit.findings import Audit, combined, noise_rates_of, summary
from lnlbench.audit.likeness import Copies
from lnlbench.audit.samples import make_samples
from lnlbench.audit.suspicion import Posterior, fit_posterior
from lnlbench.data.load import load_dataset
from lnlbench.system.atomic import write_atomically

FOLDS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the folds, fit the posteriors, and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default="dividemix,gce")
    parser.add_argument("--dataset", default="cifar100")
    parser.add_argument("--noise", default="noisy-fine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--cpu-seconds", type=float, help="of all judges, as they were printed")
    parser.add_argument("--source", default="cached features", help="what made the features")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    document = summary(_found(given))
    del document["copies_with_different_labels"]
    text = json.dumps(document, indent=2, ensure_ascii=False)
    write_atomically(given.output, f"{text}\n".encode())


def _found(given: argparse.Namespace) -> Audit:
    dataset = load_dataset(given.dataset)
    noisy, names = dataset.human_labels[given.noise], list(dataset.classes)
    folds = deal_folds(noisy, FOLDS, torch.arange(len(noisy)), given.seed)
    methods = given.methods.split(",")
    place = given.store / given.noise
    posteriors = [
        fit_posterior(_own(place, f"{name}-seed{given.seed}", folds, len(names)), noisy)
        for name in methods
    ]
    values, probabilities = combined(posteriors)
    suggested = probabilities.argmax(1)
    rows = (suggested != noisy).nonzero().squeeze(1)
    suspects = rows[torch.from_numpy(-values[rows.numpy()]).argsort(stable=True)]
    samples = make_samples(
        torch.empty(len(noisy), 0),
        [names[label] for label in noisy.tolist()],
        [f"row {number}" for number in range(len(noisy))],
        source=given.source,
        clean=[names[label] for label in dataset.train_labels.tolist()],
    )
    # Samples have their classes in order of their names.
    order = torch.tensor([samples.classes.index(name) for name in names])
    nothing = torch.full_like(suspects, -1)
    return Audit(
        samples=samples,
        suspicion=values,
        suggested=order[suggested],
        agreement=torch.zeros(len(noisy)),
        suspects=suspects,
        nearest_suggested=nothing,
        nearest_given=nothing,
        copies=Copies(torch.empty(0, 2, dtype=torch.int64), torch.empty(0)),
        folds=folds,
        noise_rates=noise_rates_of(posteriors),
        about=_about(given, methods, posteriors),
    )


def _own(place: Path, name: str, folds: Tensor, classes: int) -> Tensor:
    """The logits float32 [N, C] of each sample by the model of its own fold."""
    own = torch.empty(len(folds), classes)
    for fold in range(FOLDS):
        logits = torch.from_numpy(np.load(place / f"{name}-fold{fold}.npy"))
        own[folds == fold] = logits[folds == fold]
    return own


def _about(
    given: argparse.Namespace, methods: Sequence[str], posteriors: Sequence[Posterior]
) -> dict[str, object]:
    return {
        "features": given.source,
        "judges": [{"method": name, "params": {}} for name in methods],
        "temperatures": [posterior.temperature for posterior in posteriors],
        "folds": FOLDS,
        "seed": given.seed,
        "judge_cpu_seconds": given.cpu_seconds,
        "lnlbench": __version__,
    }


if __name__ == "__main__":
    main()
