"""The transition matrix of label noise: its estimation by anchor points, and a loss through it.

Source: Patrini et al., CVPR 2017 (arXiv 1609.03683) and github.com/giorgiop/loss-correction at
15a79de.
"""

import torch
from torch import Tensor
from torch.nn.functional import softmax


def estimate_transition_matrix(probabilities: Tensor, discarded: float) -> Tensor:
    """T float32 [C, C], rows summing to one: row i is the prediction for class i's anchor.

    The anchor of a class is the sample with the highest predicted probability for it
    (`probabilities`, float32 [N, C]), after the share `discarded` of all samples, those with the
    highest ones, has been left out.
    """
    rank = int(discarded * len(probabilities))
    anchors = probabilities.argsort(dim=0, descending=True, stable=True)[rank]
    rows = probabilities[anchors]
    return rows / rows.sum(1, keepdim=True)


def forward_corrected_loss(logits: Tensor, labels: Tensor, transition_matrix: Tensor) -> Tensor:
    """Mean of -log of (p T) at the noisy label, for predictions p of the clean label (equation 5).

    `logits` [B, C], `labels` int64 [B], `transition_matrix` [C, C].
    """
    noisy = softmax(logits, 1) @ transition_matrix
    on_label = noisy.gather(1, labels.unsqueeze(1)).squeeze(1)
    # A label that T calls impossible must cost much, not infinitely much.
    return -on_label.clamp(min=torch.finfo(noisy.dtype).tiny).log().mean()
