"""Confident learning's counts: how many samples have which given and which true label, and which.

Source: Northcutt, Jiang, Chuang, JAIR 2021 (arXiv 1911.00068), sections 3.1 to 3.3. Probabilities
are out of sample, float64 [N, C]; labels are the given ones, int64 [N].
"""

import torch
from torch import Tensor

# Where rounding decides whether a probability reaches a threshold, it does.
TOLERANCE = 1e-6


def class_thresholds(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The mean probability of each class over the samples that were given it, [C].

    A class that no sample was given has a threshold that no probability reaches.
    """
    classes = probabilities.shape[1]
    own = probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)
    sums = torch.zeros(classes, dtype=probabilities.dtype).index_add_(0, labels, own)
    sizes = labels.bincount(minlength=classes)
    return torch.where(sizes > 0, (sums / sizes.clamp(min=1)).clamp(min=2 * TOLERANCE), 2.0)


def confident_classes(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The class that each sample is counted for, int64 [N]; -1 where no class is confident.

    A class is confident if its probability reaches its threshold. If several are, the likeliest
    class of all counts.
    """
    confident = probabilities >= class_thresholds(probabilities, labels) - TOLERANCE
    count = confident.sum(1)
    only = confident.int().argmax(1)
    return torch.where(count == 0, -1, torch.where(count == 1, only, probabilities.argmax(1)))


def rounded_rows(values: Tensor) -> Tensor:
    """Whole numbers near the `values` [R, C], with the same (rounded) sum in each row.

    Where a row misses some, those are raised that were rounded down the most, the last one first;
    where it has too many, those are lowered that were rounded up the most.
    """
    rounded = values.round()
    for row, exact in zip(rounded, values, strict=True):
        missing = int(exact.sum().round() - row.sum())
        error = exact - row
        if missing > 0:
            order = error.flip(0).argsort(descending=True, stable=True)
            row[len(row) - 1 - order[:missing]] += 1
        else:
            row[error.argsort(stable=True)[: abs(missing)]] -= 1
    return rounded.long()


def calibrated_joint(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Estimated counts int64 [C, C] of samples by given label (row) and true label (column).

    Each row is scaled to the number of samples with that given label.
    """
    classes = probabilities.shape[1]
    true = confident_classes(probabilities, labels)
    pairs = labels[true >= 0] * classes + true[true >= 0]
    counts = pairs.bincount(minlength=classes**2).view(classes, classes).double()
    counts.diagonal().clamp_(min=1)
    sizes = labels.bincount(minlength=classes).double()
    scaled = counts / counts.sum(1, keepdim=True) * sizes.unsqueeze(1)
    return rounded_rows(scaled / scaled.sum() * len(labels))


def without_agreeing(flags: Tensor, probabilities: Tensor, labels: Tensor) -> Tensor:
    """The flags [N] without those of samples whose given label is the likeliest class."""
    own = torch.zeros_like(probabilities).scatter_(1, labels.unsqueeze(1), TOLERANCE)
    return flags & ((probabilities + own).argmax(1) != labels)


def pruned_by_class(probabilities: Tensor, labels: Tensor, joint: Tensor) -> Tensor:
    """For each given label, flag as many samples of smallest probability as the joint has wrong."""
    flags = torch.zeros(len(labels), dtype=torch.bool)
    for given in labels.unique().tolist():
        members = (labels == given).nonzero().squeeze(1)
        wrong = len(members) - int(joint[given, given])
        if len(members) > 1 and wrong > 0:
            least_likely = probabilities[members, given].argsort(stable=True)
            flags[members[least_likely[:wrong]]] = True
    return flags


def pruned_by_noise_rate(probabilities: Tensor, labels: Tensor, joint: Tensor) -> Tensor:
    """For each given and other label, flag as many of largest margin as the joint has of them."""
    flags = torch.zeros(len(labels), dtype=torch.bool)
    for given in labels.unique().tolist():
        members = (labels == given).nonzero().squeeze(1)
        for true in joint[given].nonzero().squeeze(1).tolist():
            if true != given and len(members) > 1:
                margin = probabilities[members, true] - probabilities[members, given]
                largest = margin.argsort(descending=True, stable=True)
                flags[members[largest[: int(joint[given, true])]]] = True
    return flags


def wrong_labels(probabilities: Tensor, labels: Tensor, rule: str) -> Tensor:
    """The samples whose label is taken for wrong, bool [N], by one of the paper's rules."""
    joint = kept_on_diagonal(calibrated_joint(probabilities, labels))
    by_class = pruned_by_class(probabilities, labels, joint)
    by_noise_rate = pruned_by_noise_rate(probabilities, labels, joint)
    true = confident_classes(probabilities, labels)
    flags = {
        "by-class": by_class,
        "by-noise-rate": by_noise_rate,
        "both": by_class & by_noise_rate,
        "confident-joint": (true >= 0) & (true != labels),
    }
    return without_agreeing(flags[rule], probabilities, labels)


def kept_on_diagonal(joint: Tensor) -> Tensor:
    """The joint with at least one right sample in each class; the others of its row make room."""
    values = joint.double()
    short = (1 - values.diagonal()).clamp(min=0)
    others = ((values > 0).sum(1) - (values.diagonal() > 0).long()).clamp(min=1)
    spread = (short / others).unsqueeze(1).expand_as(values)
    reduced = (values - spread).clamp(min=0)
    reduced.diagonal().copy_(values.diagonal() + short)
    return reduced.long()
