"""Privileged knowledge: what a run tells only a method that declares it in `oracle`."""

from typing import Any

from torch import Tensor

from lnlbench.errors import UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.host import RunHost


class PrivilegedKnowledge:
    """The part of a run that its host answers only if the method declares the attribute's name.

    Rows of such a method are shown in tables but not ranked.

    Raises:
        UsageError: the method reads an attribute that it does not declare.
    """

    _host: RunHost

    @property
    def noise_rate(self) -> float:
        """The realized noise rate; only for methods with "noise_rate" in `oracle`."""
        return float(self._told("noise_rate"))

    @property
    def clean_labels(self) -> Tensor:
        """The clean labels, int64 [N]; only for methods with "clean_labels" in `oracle`."""
        labels: Tensor = self._told("clean_labels")
        return labels

    @property
    def clean_subset(self) -> CleanSubset:
        """Samples with clean labels, as many as the method's CleanSubsetParams say.

        Only for methods with "clean_subset" in `oracle`.
        """
        subset: CleanSubset = self._told("clean_subset")
        return subset

    def _told(self, name: str) -> Any:
        if name not in self._host.oracle:
            raise UsageError(
                f"run.{name} is privileged knowledge. A method that uses it declares "
                f'oracle = frozenset({{"{name}"}}), and its rows are shown but not ranked.'
            )
        return self._host.oracle[name]
