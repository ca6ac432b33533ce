"""The built-in methods, registered by the same hook as everybody's."""

from lnlbench import hookimpl
from lnlbench.method import Method
from lnlbench.methods.cross_entropy import CrossEntropy, CrossEntropyClean
from lnlbench.methods.dividemix import DivideMix


@hookimpl
def register_methods() -> list[type[Method]]:
    """The methods of this distribution."""
    return [CrossEntropy, CrossEntropyClean, DivideMix]
