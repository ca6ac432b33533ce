"""Methods that hold on to what a network learns before it memorizes."""

import lnlbench
from lnlbench_early_learning.elr_plus import ELRPlus
from lnlbench_early_learning.pes import PES
from lnlbench_early_learning.pes_semi import PESSemi
from lnlbench_early_learning.sop import SOP
from lnlbench_early_learning.sop_plus import SOPPlus


@lnlbench.hookimpl
def register_methods() -> list[type[lnlbench.Method]]:
    """The methods of this distribution."""
    return [ELRPlus, PES, PESSemi, SOP, SOPPlus]
