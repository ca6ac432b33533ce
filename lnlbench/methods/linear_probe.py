"""Linear probe (Zhu et al., NeurIPS 2024): only logistic regression on the noisy labels.

Worked from the paper, with scikit-learn's solver. Details: docs/methods/linear-probe.md.
"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from torch import nn

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.interface.run import Run

# Logit of a class without any training sample, below that of the rarest class with one.
_ABSENT = -20.0


class LinearProbe(Method):
    """Logistic regression on the features as they are, ignoring that labels are noisy."""

    name = "linear-probe"
    reference = (
        "Zhu et al., Label Noise: Ignorance Is Bliss, NeurIPS 2024, arxiv.org/abs/2411.00079"
    )

    class Params(lnlbench.Params):
        """scikit-learn's names in lnlbench's words."""

        inverse_regularization: Annotated[float, SearchRange(1e-5, 1.0, log=True)] = Field(
            1e-3, gt=0, description="scikit-learn's C: smaller is a stronger penalty on weights."
        )
        max_iterations: int = Field(300, ge=1, description="Iterations of L-BFGS at most.")

    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "matched": Recipe(schedule={"epochs": 1}, note="Fitted once: there are no epochs."),
    }

    def fit(self, run: Run) -> None:
        """Fit once, in the first epoch; further epochs change nothing."""
        run.require_in_memory("A logistic regression on the pixels of all samples")
        self.network = nn.Sequential(nn.Flatten(), nn.LazyLinear(run.num_classes)).to(run.device)
        self.network(next(run.batches(views=1, augment="none", batch_size=2)).views[0])
        for epoch in run.epochs():
            if epoch == 0:
                self._regress(run)

    def _regress(self, run: Run) -> None:
        batches = run.batches(views=1, augment="none", batch_size=2048, shuffle=False)
        features = torch.cat([batch.views[0].flatten(1).cpu() for batch in batches]).numpy()
        labels = run.labels.cpu().numpy()
        weight = np.zeros((run.num_classes, features.shape[1]), dtype=np.float32)
        bias = np.full(run.num_classes, _ABSENT, dtype=np.float32)
        present = np.unique(labels)
        bias[present] = 0
        if len(present) > 1:
            model = LogisticRegression(
                C=self.params.inverse_regularization, max_iter=self.params.max_iterations
            ).fit(features, labels)
            run.log(iterations=float(model.n_iter_.max()))
            # For two classes scikit-learn keeps one row: the second's logit against the first's 0.
            rows = present if len(present) > 2 else present[1:]
            weight[rows], bias[rows] = model.coef_, model.intercept_
        linear = self.network[1]
        assert isinstance(linear, nn.Linear)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
