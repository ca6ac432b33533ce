"""epsilon-softmax (Wang et al., NeurIPS 2024): outputs close to one-hot, by a controlled error.

Reference: github.com/cswjl/eps-softmax at f81685c, losses.py and config.py. Details and deviations:
docs/epsilon-softmax.md.
"""

from pydantic import Field
from torch import Tensor, nn

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench_robust_losses.clipping import clip_gradients


def epsilon_cross_entropy(logits: Tensor, labels: Tensor, m: float, floor: float) -> Tensor:
    """-log of each label's share [B] in (p + m * top) / (1 + m), where top is one-hot argmax p.

    The result is within ε = 1 / (1 + m) of one-hot. It is at least `floor` before the logarithm.
    """
    raised = label_probability(logits, labels) + m * (logits.argmax(1) == labels)
    return -(raised / (1 + m)).clamp(min=floor).log()


def absolute_error(logits: Tensor, labels: Tensor) -> Tensor:
    """The distance 2 * (1 - p_label) per sample [B] between prediction and one-hot label."""
    return 2 * (1 - label_probability(logits, labels))


class EpsilonSoftmax(lnlbench.LossMethod):
    """Cross-entropy on epsilon-softmax, which ignores learned samples, plus the absolute error."""

    name = "epsilon-softmax"
    reference = "Wang et al., epsilon-Softmax, NeurIPS 2024, arxiv.org/abs/2508.02387"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"alpha": 0.045, "beta": 10.0, "m": 1e5},
            note="The authors' values for instance-dependent noise on CIFAR-10.",
        ),
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 200,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-5},
                "milestones": [],
                "cosine_to": 0.0,
            },
            note="The authors' CIFAR-100 schedule, a cosine to 0; images are not rotated.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' for instance-dependent noise on CIFAR-100."""

        alpha: float = Field(0.03, ge=0, le=1e6, description="Weight of cross-entropy.")
        beta: float = Field(1.0, ge=0, le=1e6, description="Weight of the absolute error.")
        m: float = Field(1e4, ge=0, le=1e12, description="Gain of the likeliest class, 1/ε - 1.")
        floor: float = Field(
            1e-8,
            gt=0,
            lt=1,
            description="Least probability before the logarithm; below it there is no gradient.",
        )
        max_gradient_norm: float = Field(
            5.0,
            gt=0,
            le=1e6,
            description="Longer gradients of a step are scaled down to this length.",
        )

    def begin(self, run: lnlbench.Run) -> None:
        """Let every step cut its gradients down, as the authors do."""
        clip_gradients(self.optimizer, self.params.max_gradient_norm)

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The weighted sum of both losses."""
        logits, params = network(batch.views[0]), self.params
        losses = epsilon_cross_entropy(logits, batch.labels, params.m, params.floor)
        return (params.alpha * losses + params.beta * absolute_error(logits, batch.labels)).mean()
