"""A place for the plugins that a test writes."""

import pytest
from plugin_zoo import good_source, install, on_the_path


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, first on sys.path, with a small stand-in built-in."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench", good_source("builtin-method"), entry_point="builtin")
        yield folder
