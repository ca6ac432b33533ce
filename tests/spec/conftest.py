"""A file with a track of one's own."""

import pytest
from own_tracks import SHORT


@pytest.fixture
def track(tmp_path):
    """Writes a track file and returns its path."""

    def write(text=SHORT, name="mine.toml"):
        file = tmp_path / "tracks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write
