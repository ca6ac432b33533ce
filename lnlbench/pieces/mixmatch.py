"""MixMatch's pieces as DivideMix uses them: sharpening, co-refinement, co-guessing, mixup, losses.

Sources: Berthelot et al., NeurIPS 2019 (arXiv 1905.02249); Li, Socher, Hoi, ICLR 2020
(arXiv 2002.07394) and github.com/LiJunnan1992/DivideMix, Train_cifar.py.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, one_hot, softmax

from lnlbench.interface.batch import Batch
from lnlbench.interface.run import Run


def sharpen(probabilities: Tensor, temperature: float) -> Tensor:
    """Raise each probability [B, C] to 1/temperature and renormalize (MixMatch, eq. 7)."""
    powered = probabilities.pow(1 / temperature)
    return powered / powered.sum(1, keepdim=True)


def co_refine(
    labels: Tensor, clean_probability: Tensor, probabilities: Tensor, temperature: float
) -> Tensor:
    """Soft labels [B, C] of labeled samples: w * label + (1 - w) * prediction, sharpened.

    `labels` int64 [B], `clean_probability` w [B], `probabilities` [B, C] the trained network's
    mean over views (DivideMix, Algorithm 1, lines 17-18).
    """
    weight = clean_probability.to(probabilities.dtype).unsqueeze(1)
    given = one_hot(labels, probabilities.shape[1]).to(probabilities.dtype)
    return sharpen(weight * given + (1 - weight) * probabilities, temperature)


def co_guess(probabilities: Tensor, peer_probabilities: Tensor, temperature: float) -> Tensor:
    """Soft labels [B, C] of unlabeled samples: the mean of both networks, sharpened.

    Both inputs are means over the same number of views (DivideMix, Algorithm 1, lines 19-20).
    """
    return sharpen((probabilities + peer_probabilities) / 2, temperature)


def mixup_share(alpha: float, generator: torch.Generator) -> float:
    """The larger share of a mixup pair: max(λ, 1 - λ) with λ ~ Beta(alpha, alpha)."""
    # NumPy draws the Beta; its seed comes from the run's own stream.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return max(share, 1 - share)


def mixup_shares(alpha: float, count: int, generator: torch.Generator) -> Tensor:
    """The larger shares float32 [count], one for each sample: `mixup_share` many times."""
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = np.random.default_rng(seed).beta(alpha, alpha, count)
    return torch.from_numpy(np.maximum(drawn, 1 - drawn)).float()


def mixup_partners(run: Run, count: int) -> Tensor:
    """A permutation, int64 [count] on the run's device: the partner of each of `count` samples."""
    # Not waiting for the device: it still has work to do, and the next step shall queue behind it.
    drawn = torch.randperm(count, generator=run.generator)
    return drawn.to(run.device, non_blocking=True)


def mix(values: Tensor, share: float | Tensor, partners: Tensor) -> Tensor:
    """Mix inputs or soft labels: share * values + (1 - share) * values[partners].

    `share` is one number, or a tensor that broadcasts over `values`.
    """
    # Channels last, an image is one row, and index_select copies it whole.
    others = values.movedim(1, -1).index_select(0, partners).movedim(-1, 1)
    return others.lerp_(values, share)


def labeled_loss(logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Cross-entropy with soft labels, mean over the batch (DivideMix, eq. 9)."""
    return -(soft_labels * log_softmax(logits, 1)).sum(1).mean()


def unlabeled_loss(logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Squared error of probabilities, mean over samples and classes (DivideMix, eq. 10).

    The mean over classes is why `lambda_u` is as large as 25 to 150.
    """
    return (softmax(logits, 1) - soft_labels).square().mean()


def prior_penalty(logits: Tensor) -> Tensor:
    """Divergence of the mean prediction from the uniform prior (DivideMix, eq. 11)."""
    num_classes = logits.shape[1]
    mean = softmax(logits, 1).mean(0)
    return -(num_classes * mean).log().mean()


def confidence_penalty(logits: Tensor) -> Tensor:
    """Negative entropy of the predictions, mean over the batch (DivideMix, eq. 5)."""
    return (softmax(logits, 1) * log_softmax(logits, 1)).sum(1).mean()


def mixed_loss(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    num_labeled: int,
    share: float,
    partners: Tensor,
    unlabeled_weight: float,
    prior_weight: float,
) -> Tensor:
    """The loss of one mixed batch, whose first `num_labeled` samples are the labeled ones.

    `inputs` [M, ...] with soft labels `targets` [M, C] are mixed with their partners; the first
    partner decides which loss a pair counts in.
    """
    logits = network(mix(inputs, share, partners))
    targets = mix(targets, share, partners)
    loss = labeled_loss(logits[:num_labeled], targets[:num_labeled])
    loss = loss + prior_weight * prior_penalty(logits)
    if num_labeled < len(inputs):
        unlabeled = unlabeled_loss(logits[num_labeled:], targets[num_labeled:])
        loss = loss + unlabeled_weight * unlabeled
    return loss


def linear_rampup(position: float, length: float) -> float:
    """From 0 at position 0 to 1 at `length`, both in epochs; 1 when there is no ramp."""
    return 1.0 if length == 0 else min(max(position / length, 0.0), 1.0)


def endless_batches(
    run: Run, indices: Tensor, batch_size: int, augment: Sequence[str] = ("weak", "weak")
) -> Iterator[Batch]:
    """Batches of those views, reshuffled and restarted when exhausted; none for no indices."""
    while len(indices):
        yield from run.batches(indices, augment=augment, batch_size=batch_size)
