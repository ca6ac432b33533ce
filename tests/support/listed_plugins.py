"""What plugins loaded, why others failed, and the beginnings of their sources."""

from lnlbench.plugins import Plugins

HOOKED = "import lnlbench\n\n@lnlbench.hookimpl\n"
REFERENCE = "reference = 'Nobody (2026)'\n"


def reasons(plugins: Plugins, distribution: str) -> list[str]:
    return [error.reason for error in plugins.errors if error.origin.distribution == distribution]


def the_reason(plugins: Plugins, distribution: str) -> str:
    found = reasons(plugins, distribution)
    assert len(found) == 1, found
    return found[0]


def loaded(plugins: Plugins) -> list[str]:
    return [origin.distribution for origin in plugins.loaded]
