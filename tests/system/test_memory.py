"""How much memory is free, on a machine and in a container on it."""

import pytest

from lnlbench.system import memory


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 3,000 kB available, and the file of a container's limit."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:    3000 kB\n")
    monkeypatch.setattr(memory, "_MEMORY", meminfo)
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "v2", tmp_path / "v1"))
    return tmp_path


def test_what_is_available_is_what_the_system_says(machine):
    assert memory.available_memory() == 3000 * 1024


@pytest.mark.parametrize(
    ("limit", "expected"), [("max\n", 3000 * 1024), ("5000\n", 5000), (f"{2**63}\n", 3000 * 1024)]
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_container_has_no_more_than_its_limit(machine, version, limit, expected):
    (machine / version).write_text(limit)
    assert memory.available_memory() == expected


def test_a_system_that_does_not_say_has_none(machine):
    (machine / "meminfo").unlink()
    assert memory.available_memory() is None
