"""Clean probability from a two-component Gaussian mixture over the samples' losses.

Source: Arazo et al., ICML 2019 (arXiv 1904.11238) for the idea; DivideMix (Li, Socher, Hoi, ICLR
2020, arXiv 2002.07394) and github.com/LiJunnan1992/DivideMix at d9d3058, Train_cifar.py.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.interface.criterion import Mixture
from lnlbench.interface.params import Params
from lnlbench.interface.run import Run


class MixtureParams(Params):
    """Which losses a mixture is fitted to, and how; defaults are those of DivideMix's authors."""

    loss_history: int = Field(
        default=1,
        ge=1,
        le=50,
        description="Losses are averaged over this many last divisions; the authors use 5 at "
        "90 % noise.",
    )
    mixture_max_iterations: int = Field(
        default=10, ge=1, description="Iterations of the mixture's fit at most."
    )
    mixture_tolerance: float = Field(
        default=1e-2, gt=0, description="The fit stops when an iteration gains less than this."
    )
    mixture_regularization: float = Field(
        default=5e-4, gt=0, description="This is added to the mixture's variances."
    )


@dataclass(frozen=True)
class Division:
    """Clean probabilities float32 [N]; what prevented a mixture, or else the fitted mixture."""

    clean_probability: Tensor
    event: str | None = None
    mixture: Mixture | None = None


def normalize_losses(losses: Tensor) -> Tensor:
    """Min-max normalize losses [N] to [0, 1]; NaN and infinity count as the largest finite loss.

    Constant losses become zeros: they hold no information.
    """
    losses = losses.double()
    finite = torch.isfinite(losses)
    if not finite.any():
        return torch.zeros_like(losses, dtype=torch.float32)
    low, high = losses[finite].min(), losses[finite].max()
    losses = torch.where(finite, losses, high)
    return ((losses - low) / (high - low).clamp(min=torch.finfo(torch.float64).tiny)).float()


def training_losses(run: Run, network: nn.Module) -> Tensor:
    """Normalized cross-entropy float32 [N] of each unaugmented sample, the network in eval mode."""
    return normalize_losses(cross_entropy(run.logits(network), run.labels, reduction="none"))


def divide(losses: Tensor, seed: int, params: MixtureParams | None = None) -> Division:
    """The posterior probability of the component with the lower mean, for each loss [N].

    `losses` are normalized. scikit-learn fits the mixture from a k-means start, as DivideMix's
    authors have it, but with a seed. If there is no mixture (constant losses, or both components
    at one mean), every sample counts as clean and the division's event says so.
    """
    params = params or MixtureParams()
    values = losses.detach().double().cpu().numpy().reshape(-1, 1)
    everything = torch.ones(len(values), device=losses.device)
    if len(np.unique(values)) < 2:
        return Division(everything, "constant losses: no division, every sample counts as clean")
    mixture = GaussianMixture(
        n_components=2,
        max_iter=params.mixture_max_iterations,
        tol=params.mixture_tolerance,
        reg_covar=params.mixture_regularization,
        random_state=seed % 2**32,
    )
    with warnings.catch_warnings():
        # The authors stop after ten iterations whether or not the fit has converged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(values)
    low, high = np.sort(mixture.means_.ravel())
    if high - low < 1e-6:
        return Division(everything, "collapsed mixture: both components have one mean")
    posterior = mixture.predict_proba(values)[:, int(mixture.means_.argmin())]
    fitted = Mixture(
        weights=tuple(mixture.weights_.tolist()),
        means=tuple(mixture.means_.ravel().tolist()),
        variances=tuple(mixture.covariances_.ravel().tolist()),
    )
    belief = torch.from_numpy(posterior).to(losses.device, torch.float32)
    return Division(belief, mixture=fitted)
