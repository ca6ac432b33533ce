"""SOP (Liu et al., ICML 2022): label noise goes into variables of each sample.

Reference: github.com/shengliu66/SOP at 4d991ce, model/loss.py. Details and deviations: docs/sop.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

import lnlbench
from lnlbench_early_learning import overparameterization as sparse

NATIVE = lnlbench.Recipe(
    schedule={
        "backbone": "preact-resnet18",
        "epochs": 300,
        "batch_size": 128,
        "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-3},
        "milestones": [],
        "cosine_to": 0.01,
    },
    note="The schedule of the authors' file for CIFAR-100: a cosine from 0.02 to 0.0002.",
)


class SOPParams(lnlbench.Params):
    """Defaults are the authors' values for symmetric noise on CIFAR-100."""

    lr_u: float = Field(
        1.0, ge=0, le=1e6, description="Learning rate of u, the noise on the given label."
    )
    lr_v: float = Field(
        10.0, ge=0, le=1e6, description="Learning rate of v, the noise on the other classes."
    )
    start_scale: float = Field(
        1e-8, gt=0, le=1, description="Standard deviation of u and v at the start."
    )


class SOP(lnlbench.Method):
    """Cross-entropy of predictions plus learned sparse noise, so that noise is not memorized."""

    name = "sop"
    reference = (
        "Liu et al., Robust Training under Label Noise by Over-parameterization, ICML 2022, "
        "arxiv.org/abs/2202.14026"
    )
    views: ClassVar[tuple[str, ...]] = ("weak",)
    recipes = {"native": NATIVE}  # noqa: RUF012 - declared as a ClassVar by the base class

    class Params(SOPParams):
        """Defaults are the authors' values for symmetric noise on CIFAR-100."""

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of one batch's views."""
        return self.views

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network, and the variables of each sample beside it."""
        run.require_views(*self.augmentations())
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        u, v = sparse.started_variables(
            run.num_samples, run.num_classes, self.params.start_scale, run.generator
        )
        self.u, self.v = u.to(run.device), v.to(run.device)
        for _ in run.epochs():
            for batch in run.batches(augment=self.views):
                # Leaf tensors: a gradient for all samples would be zero for nearly all.
                u = self.u[batch.index].requires_grad_()
                v = self.v[batch.index].requires_grad_()
                logits = self.network(torch.cat(batch.views))
                run.step(self.loss(logits, batch.labels, u, v), self.optimizer)
                self._descend(batch.index, u, v)

    def loss(self, logits: Tensor, labels: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """The scalar to minimize for logits [B, C] and the variables of the same samples."""
        noise = sparse.label_noise(u, v, labels)
        prediction = sparse.corrected_prediction(logits, noise)
        return sparse.noisy_cross_entropy(prediction, labels) + sparse.residual(
            logits, labels, noise
        )

    @torch.no_grad()
    def _descend(self, index: Tensor, u: Tensor, v: Tensor) -> None:
        """Plain gradient descent on the variables, whose rates follow no schedule."""
        assert u.grad is not None
        assert v.grad is not None
        self.u[index] = u - self.params.lr_u * u.grad
        self.v[index] = v - self.params.lr_v * v.grad

    def clean_probability(self) -> Tensor | None:
        """1 - u² for each sample: the part of the given label that the noise does not explain."""
        return 1 - self.u.square().clamp(0, 1)
