"""A place for the plugins that a test writes, and the core without other plugins."""

from importlib.metadata import distributions

import pytest
from plugin_zoo import good_source, install, on_the_path

from lnlbench.plugins import loading
from lnlbench.plugins.known import DATASETS, METHODS


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, first on sys.path, with a small stand-in built-in."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench", good_source("builtin-method"), entry_point="builtin")
        yield folder


@pytest.fixture
def core_alone(monkeypatch):
    """As if the repository's plugins were not installed."""
    hidden = {*METHODS, *DATASETS}

    def others():
        return [each for each in distributions() if each.name not in hidden]

    monkeypatch.setattr(loading, "distributions", others)
