"""Selecting samples by a belief: labeled and unlabeled sets, and a record of what is in them.

Source: DivideMix (Li, Socher, Hoi, ICLR 2020, arXiv 2002.07394), which splits its data so; the
guards against sets that are too small are lnlbench's own.
"""

from torch import Tensor

from lnlbench.interface.run import Run
from lnlbench.pieces.mixmatch import half_batch


def split_by_belief(run: Run, belief: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Indices int64 of the samples with `belief` float32 [N] above `threshold`, and of the others.

    Batch normalization cannot train on one sample, so neither set has exactly one. Instead of
    fewer than two samples, the first set gets half a batch of those with the highest belief. The
    run's events say when that happens, when the second set is empty, and when the first lacks
    classes.
    """
    labeled = belief > threshold
    if labeled.sum() < 2:
        count = min(half_batch(run), run.num_samples)
        labeled[belief.topk(count).indices] = True
        run.event("empty labeled set", f"using the {count} samples of highest clean probability")
    if (~labeled).sum() == 1:
        labeled[:] = True
    if labeled.all():
        run.event("empty unlabeled set", "training on labeled samples alone")
    record_selection(run, labeled, "labeled")
    return labeled.nonzero().squeeze(1), (~labeled).nonzero().squeeze(1)


def record_selection(run: Run, selected: Tensor, adjective: str) -> None:
    """Log the share of `selected` (bool [N]) samples, and an event if they lack whole classes."""
    absent = run.num_classes - len(run.labels[selected].unique())
    if absent:
        detail = f"{absent} of {run.num_classes} have no {adjective} sample"
        run.event("absent classes", detail)
    run.log(labeled_share=selected.float().mean())
