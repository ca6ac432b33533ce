"""The data of a plugin that a spec pins, found again for its run."""

from lnlbench.data.dataset import Dataset
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.provided import ProvidedData
from lnlbench.tracks import DataSpec


def load_pinned(
    name: str, pinned: DataSpec, directory: RunDirectory, provided: ProvidedData
) -> Dataset:
    """The data of a plugin that a spec pins; the run's directory remembers where they were.

    Raises:
        UsageError: the plugin is missing, or does not know where the data are.
        DataError: the data found there have another content.
    """
    found = provided.load_pinned(name, pinned, directory.read_locations())
    directory.write_locations(found.locations)
    return found.dataset
