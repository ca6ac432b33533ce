"""Plugins that observe runs: told what happens, and unable to stop it."""

import sys
import time
from typing import Any

import pluggy

from lnlbench.plugins.refusal import PluginRefused, attempt


class Observers:
    """The observing plugins of a manager; one that fails is left out from then on."""

    def __init__(self, manager: pluggy.PluginManager | None = None) -> None:
        self._manager = manager
        self._failed: set[str] = set()

    def tell(self, hook: str, **facts: Any) -> float:
        """Call a hook of every plugin by itself, so that one failure spoils no other's call.

        Returns the seconds that took, which are no cost of the run.
        """
        if self._manager is None:
            return 0.0
        began = time.monotonic()
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            if name in self._failed:
                continue
            arguments = [facts[argument] for argument in implementation.argnames]
            try:
                attempt(f"{hook}()", lambda: implementation.function(*arguments))  # noqa: B023
            except PluginRefused as failure:
                self._failed.add(name)
                sys.stderr.write(f"{name} does not observe this run any more: {failure}\n")
        return time.monotonic() - began
