"""Losses that wrong labels cannot dominate, each a method of lnlbench."""

import lnlbench
from lnlbench_robust_losses.active_passive import NormalizedAbsolute, NormalizedReverse
from lnlbench_robust_losses.anl_ce import ActiveNegative
from lnlbench_robust_losses.bootstrapping import Bootstrapping
from lnlbench_robust_losses.cores import Cores
from lnlbench_robust_losses.cores_star import CoresStar
from lnlbench_robust_losses.epsilon_softmax import EpsilonSoftmax
from lnlbench_robust_losses.f_divergence import FDivergence
from lnlbench_robust_losses.gjs import GeneralizedJensenShannon
from lnlbench_robust_losses.gls import GeneralizedLabelSmoothing
from lnlbench_robust_losses.peer_loss import PeerLoss
from lnlbench_robust_losses.sce import SymmetricCrossEntropy
from lnlbench_robust_losses.truncated_gce import TruncatedGCE


@lnlbench.hookimpl
def register_methods() -> list[type[lnlbench.Method]]:
    """The methods of this distribution."""
    return [
        ActiveNegative,
        Bootstrapping,
        Cores,
        CoresStar,
        EpsilonSoftmax,
        FDivergence,
        GeneralizedJensenShannon,
        GeneralizedLabelSmoothing,
        NormalizedAbsolute,
        NormalizedReverse,
        PeerLoss,
        SymmetricCrossEntropy,
        TruncatedGCE,
    ]
