"""The built-in methods, registered by the same hook as everybody's."""

from lnlbench import hookimpl
from lnlbench.method import Method
from lnlbench.methods.co_teaching import CoTeaching, CoTeachingOracle
from lnlbench.methods.co_teaching_plus import CoTeachingPlus
from lnlbench.methods.cross_entropy import CrossEntropy, CrossEntropyClean
from lnlbench.methods.dividemix import DivideMix
from lnlbench.methods.jocor import JoCoR
from lnlbench.methods.mentormix import MentorMix
from lnlbench.methods.mentornet import MentorNetPD


@hookimpl
def register_methods() -> list[type[Method]]:
    """The methods of this distribution."""
    return [
        CoTeaching,
        CoTeachingOracle,
        CoTeachingPlus,
        CrossEntropy,
        CrossEntropyClean,
        DivideMix,
        JoCoR,
        MentorMix,
        MentorNetPD,
    ]
