"""epsilon-softmax (Wang et al., NeurIPS 2024): outputs close to one-hot, by a controlled error.

Followed: github.com/cswjl/eps-softmax at f81685c, losses.py and config.py. Details and deviations:
docs/epsilon-softmax.md.
"""

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import softmax

import lnlbench
from lnlbench_robust_losses.presets import preset


def epsilon_cross_entropy(logits: Tensor, labels: Tensor, m: float, floor: float) -> Tensor:
    """-log of each label's share [B] in (p + m * top) / (1 + m), where top is one-hot argmax p.

    The result is within ε = 1 / (1 + m) of one-hot. It is at least `floor` before the logarithm.
    """
    on_label = softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1)
    raised = on_label + m * (logits.argmax(1) == labels)
    return -(raised / (1 + m)).clamp(min=floor).log()


def absolute_error(logits: Tensor, labels: Tensor) -> Tensor:
    """The distance 2 * (1 - p_label) per sample [B] between prediction and one-hot label."""
    return 2 * (1 - softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1))


class EpsilonSoftmax(lnlbench.LossMethod):
    """Cross-entropy on epsilon-softmax, which ignores what is learned, plus the absolute error."""

    name = "epsilon-softmax"
    reference = "Wang et al., epsilon-Softmax, NeurIPS 2024, arxiv.org/abs/2508.02387"

    class Params(lnlbench.Params):
        """Defaults are the authors' for instance-dependent noise on CIFAR-10 and CIFAR-100."""

        alpha: float | None = Field(
            None,
            ge=0,
            le=1e6,
            description="Weight of cross-entropy; by default 0.03 from 100 classes on, else 0.045.",
        )
        beta: float | None = Field(
            None,
            ge=0,
            le=1e6,
            description="Weight of the absolute error; by default 1 from 100 classes on, else 10.",
        )
        m: float | None = Field(
            None,
            ge=0,
            le=1e12,
            description="What the likeliest class gains, 1/ε - 1; by default 1e4 from 100 classes "
            "on, else 1e5.",
        )
        floor: float = Field(
            1e-8,
            gt=0,
            lt=1,
            description="Least probability before the logarithm; below it there is no gradient.",
        )

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The weighted sum of both losses."""
        logits, params = network(batch.views[0]), self.params
        classes = logits.shape[1]
        alpha = preset(params.alpha, few=0.045, many=0.03, num_classes=classes)
        beta = preset(params.beta, few=10.0, many=1.0, num_classes=classes)
        m = preset(params.m, few=1e5, many=1e4, num_classes=classes)
        losses = epsilon_cross_entropy(logits, batch.labels, m, params.floor)
        return (alpha * losses + beta * absolute_error(logits, batch.labels)).mean()
