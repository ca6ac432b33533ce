"""The built-in methods, registered by the same hook as everybody's."""

from lnlbench import hookimpl
from lnlbench.method import Method
from lnlbench.methods.ce_selected import CrossEntropySelected
from lnlbench.methods.cross_entropy import CrossEntropy, CrossEntropyClean
from lnlbench.methods.dividemix import DivideMix
from lnlbench.methods.embedding_filter import EmbeddingFilter
from lnlbench.methods.knn import KNearest
from lnlbench.methods.linear_probe import LinearProbe


@hookimpl
def register_methods() -> list[type[Method]]:
    """The methods of this distribution."""
    return [
        CrossEntropy,
        CrossEntropyClean,
        CrossEntropySelected,
        DivideMix,
        EmbeddingFilter,
        KNearest,
        LinearProbe,
    ]
