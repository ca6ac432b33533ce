"""Bootstrapping (Reed et al., ICLR workshop 2015): labels are mixed with the predictions.

Written from the paper's equations; the authors published no code. Details: docs/bootstrapping.md.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

import lnlbench

# The paper's values of β.
LABEL_SHARE = {"hard": 0.8, "soft": 0.95}


def bootstrapped_loss(logits: Tensor, labels: Tensor, kind: str, label_share: float) -> Tensor:
    """Mean cross-entropy with β * label + (1 - β) * prediction.

    The prediction is the class of highest probability ("hard"), or the probabilities ("soft"),
    which carry gradients: the second term is then their entropy, and is minimized.
    """
    log_probabilities = log_softmax(logits, 1)
    if kind == "hard":
        own = -log_probabilities.max(1).values.mean()
    else:
        own = -(log_probabilities.exp() * log_probabilities).sum(1).mean()
    return label_share * cross_entropy(logits, labels) + (1 - label_share) * own


class Bootstrapping(lnlbench.LossMethod):
    """Cross-entropy with labels that are mixed with the network's own predictions."""

    name = "bootstrapping"
    reference = (
        "Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, "
        "ICLR workshop 2015, arxiv.org/abs/1412.6596"
    )
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "soft": lnlbench.Recipe(params={"kind": "soft"}, note="Soft bootstrapping, with its β.")
    }

    class Params(lnlbench.Params):
        """Defaults are the paper's values."""

        kind: Literal["hard", "soft"] = Field(
            "hard", description="Mix in the predicted class, or all predicted probabilities."
        )
        label_share: float | None = Field(
            None,
            ge=0,
            le=1,
            description="Share of the given label; β in the paper. By default 0.8, soft 0.95.",
        )

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """Cross-entropy with the bootstrapped labels."""
        kind, share = self.params.kind, self.params.label_share
        share = LABEL_SHARE[kind] if share is None else share
        return bootstrapped_loss(network(batch.views[0]), batch.labels, kind, share)
