"""Awkward data, and checks of a method's predictions and beliefs."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.testing.report import Finding
from lnlbench.testing.trials import Trial, Trials, digits
from lnlbench.testing.verdict import unfinished

_CLASSES = 4
_PLANTED = 480


def _awkward(labels: Tensor) -> Dataset:
    """The first digits, with the given labels."""
    return replace(digits(len(labels)), human_labels={"given": labels})


def awkward_data() -> dict[str, tuple[Dataset, int]]:
    """Data sets with a batch size, by what is awkward about them."""
    labels = digits(65).human_labels["given"]
    return {
        "a class without samples": (_awkward(torch.where(labels == 3, 4, labels)), 32),
        "labels all equal": (_awkward(torch.zeros(33, dtype=torch.int64)), 16),
        "a last batch of one sample": (_awkward(labels), 64),
        "samples that batches do not divide": (_awkward(labels[:41]), 16),
        "fewer samples than a batch": (_awkward(labels[:3]), 64),
    }


def check_edges(trials: Trials) -> Finding:
    """The method survives awkward data."""
    for what, (dataset, batch_size) in awkward_data().items():
        trial = trials.run(dataset, batch_size=batch_size)
        if not trial.done:
            advice = "Real data are like that. Guard means over no samples, and empty selections."
            return unfinished("awkward data", trial, advice, before=f"With {what}: ")
        if not bool(trial.predict(trial.images).isfinite().all()):
            return Finding(
                "awkward data",
                "failed",
                f"With {what} its logits become infinite or NaN.",
                "Look for a division by a count that is zero, or a logarithm of zero.",
            )
    return Finding("awkward data", "passed", f"Survived: {', '.join(awkward_data())}.")


def check_predictions(trial: Trial) -> Finding:
    """The logits of predict are [B, C], and the same each time and for each batch size."""
    images, classes = trial.images, trial.result.data.num_classes
    whole = trial.predict(images)
    if whole.shape != (len(images), classes) or not bool(whole.isfinite().all()):
        return Finding(
            "predict",
            "failed",
            f"For {len(images)} images and {classes} classes it returned {list(whole.shape)}"
            f"{'' if bool(whole.isfinite().all()) else ' with infinite or NaN values'}.",
            "Return finite logits [B, C], one row for each image.",
        )
    if _are_probabilities(whole):
        return Finding(
            "predict",
            "failed",
            "For every image its values are in [0, 1] and sum to 1: probabilities, not logits.",
            "Return what comes before the softmax, or the logarithm of the probabilities: the "
            "runner applies a softmax to it, which would flatten the confidence of each image.",
        )
    if not torch.equal(trial.predict(images), whole):
        return Finding(
            "predict",
            "failed",
            "Two calls give two answers.",
            "Draw nothing in predict. Modules on self are put in eval mode before it is called.",
        )
    for size in (1, 5):
        parts = torch.cat([trial.predict(part) for part in images.split(size)])
        if not torch.allclose(parts, whole, rtol=1e-3, atol=1e-4):
            return Finding(
                "predict",
                "failed",
                f"In batches of {size} its logits differ from those of one batch, by up to "
                f"{float((parts - whole).abs().max()):.2g}.",
                "Judge each image by itself: use no statistics of the batch.",
            )
    return Finding(
        "predict", "passed", "Finite logits, the same for every batch size and each time."
    )


def _are_probabilities(values: Tensor) -> bool:
    sums = values.sum(1)
    return bool((values >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)


def planted() -> Dataset:
    """Four patterns that are easily learned, 30 % of them labeled wrong."""
    generator = torch.Generator().manual_seed(7)
    patterns = torch.rand(_CLASSES, 3, 8, 8, generator=generator)
    clean = torch.randint(_CLASSES, (_PLANTED,), generator=generator)
    images = patterns[clean] + 0.25 * torch.randn(_PLANTED, 3, 8, 8, generator=generator)
    noisy = clean.clone()
    wrong = torch.randperm(_PLANTED, generator=generator)[: round(0.3 * _PLANTED)]
    noisy[wrong] += torch.randint(1, _CLASSES, (len(wrong),), generator=generator)
    noisy %= _CLASSES
    pixels = (255 * images.clamp(0, 1)).to(torch.uint8)
    return Dataset(
        name="digits",
        train_images=pixels,
        train_labels=clean,
        test_images=pixels[:100],
        test_labels=clean[:100],
        classes=tuple("abcd"),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        human_labels={"given": noisy},
    )


def check_belief(trials: Trials) -> Finding:
    """clean_probability is [N] in [0, 1], and belongs to its own sample rather than to another."""
    trial = trials.run(planted(), epochs=8, augment="none", batch_size=32)
    advice = (
        "Return one value in [0, 1] for each training sample, in the order of run.labels: write "
        "what belongs to a batch to belief[batch.index]."
    )
    if not trial.done:
        return unfinished("clean_probability", trial, advice)
    belief = trial.method.clean_probability()
    if belief is None:
        return Finding("clean_probability", "skipped", "It has none.")
    if bool((belief == belief[0]).all()):
        return Finding(
            "clean_probability",
            "skipped",
            "The same for all samples after 8 epochs, so its order cannot be seen. Give the check "
            "parameters under which it selects sooner.",
        )
    auroc = trial.result.scores.clean_auroc or 0.0
    if auroc < 0.6:
        return Finding(
            "clean_probability",
            "failed",
            f"On patterns with 30 % wrong labels it is higher for a right label than for a wrong "
            f"one in {100 * auroc:.0f} % of the pairs; chance is 50 %.",
            advice,
        )
    return Finding(
        "clean_probability", "passed", f"In [0, 1]; right above wrong in {100 * auroc:.0f} %."
    )
