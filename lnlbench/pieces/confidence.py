"""Confidence regularization: predictions are rewarded for being sure of any label.

Source: Cheng et al., ICLR 2021 (arXiv 2010.02347) and github.com/UCSC-REAL/cores at cf0945e.
"""

from torch import Tensor
from torch.nn.functional import softmax

from lnlbench.pieces.ramps import linear_rampup


def expected_cross_entropy(logits: Tensor, prior: Tensor, floor: float) -> Tensor:
    """Sum over k of prior_k * -log(p_k + floor) per sample [B]: a random label's loss.

    `logits` [B, C], `prior` [C]. Subtracted from cross-entropy, it is the confidence regularizer.
    """
    return -(softmax(logits, 1) + floor).log() @ prior.to(logits.dtype)


def regularizer_weight(epoch: int, max_epochs: int, largest: float) -> float:
    """0 for a tenth of the run, then in a line to `largest` at 39 hundredths of it.

    The authors' plan for 100 epochs, by epochs from 0: epoch 10 has 0, and epoch 39 is the first
    with the largest weight.
    """
    return largest * linear_rampup(epoch - 0.1 * max_epochs, 0.29 * max_epochs)
