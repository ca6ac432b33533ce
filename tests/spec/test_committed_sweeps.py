"""The files of leaderboards/sweeps/ are understood, and the search runs what its page says."""

import re
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


def test_the_search_begins_with_the_longest_schedule_of_every_candidate():
    """As its page says: the shorter schedules wait for what these runs memorize."""
    page = ROOT / "docs" / "notebook" / "2026-11-28-from-scratch-search.md"
    rows = re.findall(r"^\| `(resnet-[\w-]+)` \| [\d.]+ M \| ([\d, ]+) \|$", page.read_text(), re.M)
    longest = {name: max(int(epochs) for epochs in listed.split(",")) for name, listed in rows}
    assert len(longest) == 3
    grids = read_sweep_file(ROOT / "leaderboards" / "sweeps" / "search-from-scratch.toml")
    specs = expand(grids, load_plugins())
    assert {spec.protocol.backbone: spec.protocol.epochs for spec in specs} == longest
    assert len(specs) == 3
    settings = {(spec.method, spec.seed, spec.protocol.cosine_to) for spec in specs}
    assert settings == {("ce", 100, 0.01)}
