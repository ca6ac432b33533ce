"""From `--dataset` and `--set-data` to what they change in a spec."""

from typing import Any

from lnlbench.data import canonical_name
from lnlbench.errors import UsageError
from lnlbench.noise.spec import GIVEN
from lnlbench.plugins import Plugins
from lnlbench.spec.provided import ProvidedData


def data_overrides(
    plugins: Plugins,
    provided: ProvidedData,
    dataset: str | None,
    has_settings: bool,
    noise: str | None,
) -> dict[str, Any]:
    """Fields of the protocol for a plugin's data set, which is loaded here; else none.

    Without a noise of its own, such a run takes the labels that the data came with.

    Raises:
        UsageError: there is no such data set, or one without settings was given some.
        DataError: the data cannot be read.
    """
    if dataset in plugins.datasets:
        loaded = provided.load(str(dataset))
        own = GIVEN in loaded.dataset.human_labels
        fields: dict[str, Any] = {"data": loaded.spec.model_dump(mode="json")}
        return fields | ({"noise": GIVEN} if own and noise is None else {})
    if dataset is not None:
        canonical_name(dataset, plugins.datasets)
    if has_settings:
        names = ", ".join(sorted(plugins.datasets)) or "none is installed"
        raise UsageError(
            "--set-data is for the data set of a plugin, named by --dataset. "
            f"Data sets of plugins: {names}. Example: --dataset image-folder --set-data root=DIR; "
            "a sweep has --override dataset=image-folder instead."
        )
    return {}
