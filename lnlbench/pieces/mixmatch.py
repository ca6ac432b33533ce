"""MixMatch as DivideMix runs it: pairs of batches, soft labels, and the loss of a mixed batch.

Sources: Berthelot et al., NeurIPS 2019 (arXiv 1905.02249); Li, Socher, Hoi, ICLR 2020
(arXiv 2002.07394) and github.com/LiJunnan1992/DivideMix at d9d3058, Train_cifar.py.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import log_softmax, one_hot, softmax

from lnlbench.interface.batch import Batch
from lnlbench.interface.params import Params, SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces import mixup


class MixMatchParams(Params):
    """What decides soft labels, mixing and the weights of the loss; DivideMix's for CIFAR-100."""

    temperature: Annotated[float, SearchRange(0.2, 1.0)] = Field(
        0.5,
        ge=0.1,
        le=10,
        description="Temperature that soft labels are sharpened with; lower is sharper.",
    )
    mixup_alpha: Annotated[float, SearchRange(0.5, 16.0, log=True)] = Field(
        4.0, gt=0, description="Mixup draws its share λ from Beta(alpha, alpha)."
    )
    lambda_u: Annotated[float, SearchRange(0.0, 150.0)] = Field(
        25.0, ge=0, description="Weight of the unlabeled loss after its ramp-up."
    )
    rampup_epochs: float = Field(
        16, ge=0, description="Epochs over which the weight of the unlabeled loss rises from 0."
    )
    prior_penalty: Annotated[float, SearchRange(0.0, 2.0)] = Field(
        1.0,
        ge=0,
        description="Weight of the penalty for predicting some classes more often than others.",
    )


def half_batch(run: Run) -> int:
    """The number of labeled samples in a batch; as many unlabeled ones join them."""
    return max(2, run.batch_size // 2)


def paired_batches(
    run: Run,
    labeled: Tensor,
    unlabeled: Tensor,
    augment: Sequence[str] = ("weak", "weak"),
    unlabeled_size: int | None = None,
) -> Iterator[tuple[Batch, Batch | None, float]]:
    """One pass over the labeled samples: a labeled batch, an unlabeled one, and the time.

    `labeled` and `unlabeled` are indices int64; `augment` names the views, as for `run.batches`.
    The second batch has as many samples as the first, or `unlabeled_size`. It is None if there are
    no unlabeled samples. The time is the share of the pass that is over, in [0, 1).
    """
    size = half_batch(run)
    steps = -(-len(labeled) // size)
    others = endless_batches(run, unlabeled, unlabeled_size or size, augment)
    for step, batch in enumerate(run.batches(labeled, augment=augment, batch_size=size)):
        yield batch, next(others, None), step / steps


def endless_batches(
    run: Run, indices: Tensor, batch_size: int, augment: Sequence[str]
) -> Iterator[Batch]:
    """Batches of the samples `indices`, int64 [M], that start anew, reshuffled, when all were seen.

    `augment` names the views, as for `run.batches`. There are no batches if there are no samples.
    """
    while len(indices):
        yield from run.batches(indices, augment=augment, batch_size=batch_size)


def mean_probabilities(logits: Sequence[Tensor]) -> Tensor:
    """The mean [B, C] of the softmax of several views' logits, each [B, C]."""
    return torch.stack([softmax(part, 1) for part in logits]).mean(0)


def sharpen(probabilities: Tensor, temperature: float) -> Tensor:
    """Each probability [B, C] to the power 1/temperature, renormalized (MixMatch, equation 7)."""
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

    Both inputs [B, C] are means over the same number of views (DivideMix, Algorithm 1, lines
    19-20).
    """
    return sharpen((probabilities + peer_probabilities) / 2, temperature)


def unlabeled_loss(logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Squared error of probabilities [B, C], mean over samples and classes (DivideMix, eq. 10).

    The mean over classes is why `lambda_u` is as large as 25 to 150.
    """
    return (softmax(logits, 1) - soft_labels).square().mean()


def prior_penalty(logits: Tensor) -> Tensor:
    """Divergence of the mean prediction from the uniform prior (DivideMix, equation 11)."""
    num_classes = logits.shape[1]
    mean = softmax(logits, 1).mean(0)
    return -(num_classes * mean).log().mean()


def confidence_penalty(logits: Tensor) -> Tensor:
    """Negative entropy of the predictions [B, C], mean over the batch (DivideMix, equation 5)."""
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
    """The loss of one mixed batch whose first `num_labeled` samples are the labeled ones.

    `inputs` [M, ...] with soft labels `targets` [M, C] are mixed with their `partners`, int64 [M].
    A mixed sample counts in the loss of its own place, whatever its partner is.
    """
    logits = network(mixup.mix(inputs, share, partners))
    targets = mixup.mix(targets, share, partners)
    loss = mixup.soft_cross_entropy(logits[:num_labeled], targets[:num_labeled])
    loss = loss + prior_weight * prior_penalty(logits)
    if num_labeled < len(inputs):
        unlabeled = unlabeled_loss(logits[num_labeled:], targets[num_labeled:])
        loss = loss + unlabeled_weight * unlabeled
    return loss


def training_loss(
    run: Run,
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    num_labeled: int,
    params: MixMatchParams,
    ramp: float,
) -> Tensor:
    """`mixed_loss` with one share and one permutation from `run.generator`, weighted by `params`.

    Labeled and unlabeled samples mix freely. `ramp` in [0, 1] scales the unlabeled loss.
    """
    return mixed_loss(
        network,
        inputs,
        targets,
        num_labeled,
        share=mixup.draw_share(params.mixup_alpha, run.generator),
        partners=mixup.draw_partners(len(inputs), run.generator, run.device),
        unlabeled_weight=params.lambda_u * ramp,
        prior_weight=params.prior_penalty,
    )
