"""A server to download from."""

import pytest
from loopback import serving


@pytest.fixture
def server():
    with serving() as server:
        yield server
