"""The built-in methods; they are registered by the same hook as the methods of plugins."""

from lnlbench import hookimpl
from lnlbench.interface.method import Method
from lnlbench.methods.ce_ema import CrossEntropyEMA
from lnlbench.methods.co_teaching import CoTeaching, CoTeachingOracle
from lnlbench.methods.co_teaching_plus import CoTeachingPlus
from lnlbench.methods.cross_entropy import CrossEntropy, CrossEntropyClean, CrossEntropySelected
from lnlbench.methods.dividemix import DivideMix
from lnlbench.methods.elr import EarlyLearningRegularization
from lnlbench.methods.embedding_filter import EmbeddingFilter
from lnlbench.methods.forward_correction import ForwardCorrection
from lnlbench.methods.gce import GeneralizedCrossEntropy
from lnlbench.methods.jocor import JoCoR
from lnlbench.methods.knn import KNearest
from lnlbench.methods.label_smoothing import LabelSmoothing
from lnlbench.methods.linear_probe import LinearProbe
from lnlbench.methods.mentormix import MentorMix
from lnlbench.methods.mentornet import MentorNetPD
from lnlbench.methods.mentornet_dd import MentorNetDD
from lnlbench.methods.mixmatch_oracle import MixMatchOracle
from lnlbench.methods.mixup import Mixup
from lnlbench.system.callable_package import make_callable


@hookimpl
def register_methods() -> list[type[Method]]:
    """The methods of this distribution."""
    return [
        CoTeaching,
        CoTeachingOracle,
        CoTeachingPlus,
        CrossEntropy,
        CrossEntropyClean,
        CrossEntropyEMA,
        CrossEntropySelected,
        DivideMix,
        EarlyLearningRegularization,
        EmbeddingFilter,
        ForwardCorrection,
        GeneralizedCrossEntropy,
        JoCoR,
        KNearest,
        LabelSmoothing,
        LinearProbe,
        MentorMix,
        MentorNetDD,
        MentorNetPD,
        MixMatchOracle,
        Mixup,
    ]


make_callable(__name__, "lnlbench.api.listing", "list_methods")
