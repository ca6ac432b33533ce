"""A store in a folder, and a driver that holds it."""

import pytest
from stores import Site

from lnlbench.sweep.store.object_store import ObjectStore


@pytest.fixture
def files(tmp_path):
    """A store in a folder."""
    return ObjectStore(f"file://{tmp_path}/store")


@pytest.fixture
def store(files):
    """The store of a test: in a folder, unless its module has another."""
    return files


@pytest.fixture
def site(tmp_path, store):
    """A driver that holds the store."""
    site = Site(tmp_path / "one", store)
    with site.lease.held(None, site.said.append):
        yield site
