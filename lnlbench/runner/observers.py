"""Plugins that observe runs: the runner tells them what happens, and they cannot stop it."""

import sys
import time
from typing import Any

import pluggy

from lnlbench.plugins.refusal import PluginRefused, attempt


class Observers:
    """The observing plugins of a manager; a plugin that fails is left out from then on."""

    def __init__(self, manager: pluggy.PluginManager | None = None) -> None:
        self._manager = manager
        self._failed: set[str] = set()

    def tell(self, hook: str, **facts: Any) -> float:
        """Call a hook of each plugin separately, so that a failure affects no other plugin.

        Returns the seconds that this took; they are not a cost of the run.
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
                sys.stderr.write(f"{name} no longer observes this run: {failure}\n")
        return time.monotonic() - began
