import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Judges that train for a fraction of a second."""
    monkeypatch.setattr("lnlbench.audit.judge._FEWEST_STEPS", 120)
