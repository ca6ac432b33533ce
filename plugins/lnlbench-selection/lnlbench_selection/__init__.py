"""Methods that select the samples whose labels they trust, and relabel or guess the others."""

import lnlbench
from lnlbench_selection.aum import AUM
from lnlbench_selection.confident_learning import ConfidentLearning
from lnlbench_selection.disc import DISC
from lnlbench_selection.promix import ProMix
from lnlbench_selection.ssr import SSR
from lnlbench_selection.unicon import UNICON


@lnlbench.hookimpl
def register_methods() -> list[type[lnlbench.Method]]:
    """The methods of this distribution."""
    return [AUM, ConfidentLearning, DISC, ProMix, SSR, UNICON]
