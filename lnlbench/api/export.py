"""The trained model of a run or an audit, from Python: what `lnlbench export` does."""

from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.api.meant import provide
from lnlbench.audit.train import is_audit, train_model
from lnlbench.data.dataset import Dataset
from lnlbench.model.export import export_run
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.options import RunOptions
from lnlbench.seeds import TURN
from lnlbench.spec.run_data import RunData

if TYPE_CHECKING:
    from lnlbench.model.model import Model


def export_model(
    run: str | Path,
    output: str | Path,
    *,
    dataset: Dataset | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> "Model":
    """Write the model of the finished run in a directory into the folder `output`, and return it.

    For the folder of an audit, this first trains the audit's method on all samples with the
    corrected labels: those of decided-labels.csv, or without this table those of labels.csv.

    Give the `dataset` again if the run's was made by `lnlbench.Dataset.from_arrays`.

    Raises:
        UsageError: the run is not done, its weights are gone, its method cannot be exported, or a
            model lies in the folder already.
        DataError: data or weights are damaged, or not those of the run.
        RunError: the run's checkpoint is damaged, or the disk fails.
    """
    if is_audit(Path(run)):
        with TURN:
            return train_model(
                Path(run),
                Path(output),
                weights=None if weights is None else Path(weights),
                device=device,
                overwrite=overwrite,
            )
    plugins = load_plugins()
    if dataset is not None:
        provide(plugins, dataset)
    sources = WeightSources(None if weights is None else Path(weights), plugins.backbones)
    options = RunOptions(resolve_device(device), sources)
    data = RunData(plugins, None if data_dir is None else Path(data_dir))
    with TURN:
        return export_run(Path(run), Path(output), plugins, data, options, overwrite=overwrite)
