"""A place for the plugins that a test writes."""

import sys

import pytest
from plugin_zoo import good_source, install


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, first on sys.path, with a small stand-in built-in."""
    monkeypatch.delenv("LNLBENCH_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "lnlbench", good_source("builtin-method"), entry_point="builtin")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
