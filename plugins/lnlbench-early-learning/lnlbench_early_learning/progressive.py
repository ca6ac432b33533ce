"""What PES and its semi-supervised form share: refinement, confident samples, class weights.

Source: Bai et al., NeurIPS 2021 (arXiv 2106.15853) and github.com/tmllab/2021_NeurIPS_PES at
ec5290d, PES_cs.py and PES_noisylabels.py.
"""

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.pieces.mixmatch import mean_probabilities

# The authors' Adam steps with 1e-4, and their passes have 390 steps, of which each moves a weight
# by about as much as the rate. Fewer steps with this rate would leave renewed layers near chance.
LR_FOR_A_PASS = 390 * 1e-4


class ProgressiveParams(lnlbench.Params):
    """What both methods let a user change of progressive early stopping."""

    warmup_epochs: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="Epochs of cross-entropy before layers are renewed; by default the authors' "
        "share of the run.",
    )
    refine_epochs: int = Field(
        5,
        ge=0,
        le=1000,
        description="Passes over all samples that train the renewed classifier alone. They come on "
        "top of the run's epochs.",
    )
    refine_lr: float | None = Field(
        None,
        gt=0,
        le=10,
        description="Learning rate of Adam while renewed layers train alone; by default the "
        "authors' 0.0001 for passes of 390 steps, and more in proportion where a pass is shorter.",
    )
    train_renewed: bool = Field(
        False,
        description="Train renewed layers afterwards, too. In the authors' code they stay as the "
        "refinement left them.",
    )


def refine(
    run: lnlbench.Run,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Sequence[tuple[int, int]],
    params: ProgressiveParams,
) -> None:
    """For each (last stages, passes) of the plan, renew these layers and train them alone.

    The passes are over all samples with their given labels; batch normalization of the other layers
    moves its statistics all the same. A part of the plan without passes is left out. `optimizer`,
    the one of the run, afterwards forgets the old weights of renewed layers, and trains these
    layers only if the parameters say so, or if there are no others.
    """
    renewed = nn.ModuleList()
    lr = params.refine_lr or LR_FOR_A_PASS / max(1, run.num_samples // run.batch_size)
    network.train()
    for last_stages, passes in (part for part in plan if part[1]):
        network.requires_grad_(False)
        layers = network.renew(last_stages).requires_grad_(True)
        renewed.extend(layers)
        alone = torch.optim.Adam(layers.parameters(), lr=lr)
        for _ in range(passes):
            for batch in run.batches(views=1):
                run.step(cross_entropy(network(batch.views[0]), batch.labels), alone)
    network.requires_grad_(True)
    weights = list(renewed.parameters())
    all_renewed = len(weights) == len(list(network.parameters()))
    renewed.requires_grad_(params.train_renewed or all_renewed)
    for weight in weights:
        optimizer.state.pop(weight, None)


def doubly_seen(run: lnlbench.Run, network: nn.Module) -> Tensor:
    """Mean probabilities float32 [N, C] of two weak views of every sample, in evaluation mode."""
    network.eval()
    with torch.no_grad():
        parts = [
            mean_probabilities([network(view) for view in batch.views])
            for batch in run.batches(augment=("weak", "weak"), shuffle=False)
        ]
    network.train()
    return torch.cat(parts)


def confidence_belief(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Above 1/2 where the predicted class [N, C] is the given label; higher where it is likely."""
    agree = probabilities.argmax(1) == labels
    return (agree + probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)) / 2


def class_weights(labels: Tensor, num_classes: int, largest: float) -> Tensor:
    """Mean size of the classes over the size of each, float32 [C]; 0 for a class without samples.

    Classes without samples do not count in the mean; no weight is above `largest`.
    """
    sizes = labels.bincount(minlength=num_classes).float()
    present = sizes > 0
    return torch.where(present, sizes[present].mean() / sizes, 0.0).clamp(max=largest)
