"""Clean probability from a two-component Gaussian mixture over per-sample losses."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch import Tensor

from lnlbench.interface.criterion import Mixture


@dataclass(frozen=True)
class Division:
    """Clean probabilities float32 [N], what went wrong on the way to them, and the fit, if any."""

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


def divide(
    losses: Tensor,
    seed: int,
    max_iterations: int = 10,
    tolerance: float = 1e-2,
    regularization: float = 5e-4,
) -> Division:
    """Posterior of the low-mean component for each normalized loss [N].

    scikit-learn's mixture with k-means start, as github.com/LiJunnan1992/DivideMix fits it, but
    seeded. Where no mixture exists (constant losses, or both components at one mean), every
    sample counts as clean and the event says so.
    """
    values = losses.detach().double().cpu().numpy().reshape(-1, 1)
    everything = torch.ones(len(values), device=losses.device)
    if len(np.unique(values)) < 2:
        return Division(everything, "constant losses: no division, every sample counts as clean")
    mixture = GaussianMixture(
        n_components=2,
        max_iter=max_iterations,
        tol=tolerance,
        reg_covar=regularization,
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
