"""The files of leaderboards/sweeps/ are understood."""

from pathlib import Path

import pytest

from lnlbench.plugins import load_plugins
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import read_sweep_file

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "leaderboards" / "sweeps").glob("*.toml"))


PAGES_OF_PLUGINS = {page.stem for page in ROOT.glob("plugins/*/docs/*.md")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_run_of_a_committed_sweep_file_is_valid(file):
    """Methods of the repository's plugins count where the plugins are installed."""
    plugins = load_plugins()
    absent = PAGES_OF_PLUGINS - plugins.methods.keys()
    grids = [
        grid.model_copy(update={"method": [name for name in grid.method if name not in absent]})
        for grid in read_sweep_file(file)
    ]
    assert expand(grids, plugins)
