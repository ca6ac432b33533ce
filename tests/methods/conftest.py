"""Divisions of DivideMix that a test plans itself."""

import pytest

from lnlbench.methods import dividemix as module
from lnlbench.pieces.mixture import Division


@pytest.fixture
def plan(monkeypatch):
    """Replaces the mixture by given beliefs: first the network's, then the peer's, in turn."""

    def planned(own, peers):
        turns = [own, peers]
        seen = []

        def stand_in(losses, seed, params):
            seen.append(losses)
            return Division(turns[(len(seen) - 1) % 2].clone())

        monkeypatch.setattr(module, "divide", stand_in)

    return planned
