"""Privileged knowledge: what a run tells a method of the truth, because the method declares it."""

from typing import Any

from lnlbench.errors import UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.method import Method
from lnlbench.interface.params import CleanSubsetParams
from lnlbench.runner.given_labels import copy_of
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.split import clean_subset


def privileged_knowledge(prepared: Prepared, method: Method) -> dict[str, Any]:
    """What the method declares in `oracle`, and no more.

    Raises:
        UsageError: it declares something, and nobody knows the clean labels.
    """
    split, device, params = prepared.split, prepared.device, method.params
    if method.oracle and not split.truth_known:
        raise UsageError(
            f"Method {method.name!r} has to be told the truth "
            f"({', '.join(sorted(method.oracle))}), and nobody knows the clean labels of "
            f"{prepared.dataset.name!r}. Choose a method without an oracle: 'lnlbench "
            "methods' lists them."
        )
    knowledge: dict[str, Any] = {
        "clean_labels": copy_of(split.clean_labels, device),
        "noise_rate": split.noise_rate,
    }
    if isinstance(params, CleanSubsetParams):
        subset = clean_subset(split, params)
        knowledge["clean_subset"] = CleanSubset(subset.index.to(device), subset.labels.to(device))
    return {name: value for name, value in knowledge.items() if name in method.oracle}
