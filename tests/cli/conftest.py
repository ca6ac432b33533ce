"""A folder to work in, for the tests of refused requests."""

import pytest


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """Work in an empty folder, which must stay empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
