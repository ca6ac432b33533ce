"""Privileged knowledge: what a run tells a method about the truth, if the method declares it."""

from typing import Any

from lnlbench.errors import UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.method import Method
from lnlbench.interface.params import CleanSubsetParams
from lnlbench.runner.given_labels import copy_of
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.split import clean_subset


def privileged_knowledge(prepared: Prepared, method: Method) -> dict[str, Any]:
    """The knowledge that the method declares in `oracle`, and no more.

    Raises:
        UsageError: the method declares some, but the clean labels are unknown.
    """
    split, device, params = prepared.split, prepared.device, method.params
    if method.oracle and not split.truth_known:
        raise UsageError(
            f"Method {method.name!r} needs to know the truth "
            f"({', '.join(sorted(method.oracle))}), but the clean labels are unknown for "
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
