"""A folder for a search."""

import pytest


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "search"
    place.mkdir()
    return place
