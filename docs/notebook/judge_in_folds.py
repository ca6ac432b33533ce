"""Train the judges of an audit on cached features, fold by fold; scores nothing.

python docs/notebook/judge_in_folds.py --features train-0.npy --dataset cifar100-coarse \
    --noise noisy-coarse --methods gce,dividemix --folds 0,1,2,3,4 --seed 0 --store judged

Writes the logits of each fold's model on all samples, float32 [N, C], as
`STORE/NOISE/METHOD-seedS-foldF.npy`, and leaves files alone that are there. No label that is not
given to a judge is read.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lnlbench.audit.cross_fitting import deal_folds
from lnlbench.audit.judge import Judge, Lesson, judged
from lnlbench.data.load import load_dataset
from lnlbench.plugins import load_plugins
from lnlbench.system.console import Console

FOLDS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--dataset", default="cifar100")
    parser.add_argument("--noise", default="noisy-fine")
    parser.add_argument("--methods", default="dividemix")
    parser.add_argument("--folds", default="0,1,2,3,4")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, required=True)
    given = parser.parse_args(arguments)
    plugins = load_plugins()
    dataset = load_dataset(given.dataset)
    labels = dataset.human_labels[given.noise]
    features = torch.from_numpy(np.array(np.load(given.features)))
    lesson = Lesson(features, labels, len(dataset.classes), torch.device("cpu"))
    # Each sample in a group of its own: copies among CIFAR-100's images are too few to matter.
    folds = deal_folds(labels, FOLDS, torch.arange(len(labels)), given.seed)
    place = given.store / given.noise
    place.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    for name in given.methods.split(","):
        judge = Judge.of(plugins.method(name), {})
        for fold in map(int, given.folds.split(",")):
            file = place / f"{name}-seed{given.seed}-fold{fold}.npy"
            if file.exists():
                continue
            before = time.process_time()
            rows = (folds != fold).nonzero().squeeze(1)
            logits = judged(judge, lesson, rows, given.seed, lambda epochs: None)
            partial = file.with_suffix(".partial")
            with partial.open("wb") as opened:
                np.save(opened, logits.numpy())
            partial.replace(file)
            seconds = time.process_time() - before
            console.print(f"{given.noise} {name} fold {fold}: {seconds:.0f} s of CPU time")


if __name__ == "__main__":
    main()
