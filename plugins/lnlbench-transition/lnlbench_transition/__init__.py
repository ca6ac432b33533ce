"""Methods that estimate how labels flip, each a method of lnlbench."""

import lnlbench
from lnlbench_transition.backward_correction import BackwardCorrection
from lnlbench_transition.cal import CAL
from lnlbench_transition.t_revision import TRevision
from lnlbench_transition.volminnet import VolMinNet


@lnlbench.hookimpl
def register_methods() -> list[type[lnlbench.Method]]:
    """The methods of this distribution."""
    return [CAL, BackwardCorrection, TRevision, VolMinNet]
