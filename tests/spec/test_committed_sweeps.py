"""The files of leaderboards/sweeps/ are understood, and the search runs what its page says."""

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


def test_the_search_begins_with_the_longest_schedule_of_every_network():
    """As its page says: the shorter schedules wait for what these runs memorize."""
    grids = read_sweep_file(ROOT / "leaderboards" / "sweeps" / "search-from-scratch.toml")
    specs = expand(grids, load_plugins())
    longest = [
        (spec.protocol.backbone.removeprefix("resnet-stride2"), spec.protocol.epochs)
        for spec in specs
    ]
    assert longest == [("-128", 30), ("-256", 30), ("-512", 20)]
    settings = {
        (spec.method, spec.seed, spec.protocol.cosine_to, spec.protocol.optimizer.lr)
        for spec in specs
    }
    assert settings == {("ce", 100, 0.01, 0.02)}
    page = ROOT / "docs" / "notebook" / "2026-11-28-from-scratch-search.md"
    text = " ".join(page.read_text().split())
    assert (
        "10, 20 and 30 epochs of `resnet-stride2-128` and of `-256`, and 10 and 20 epochs of `-512`"
        in text
    )
