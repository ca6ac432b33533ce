"""Import one plugin, and put back the process settings that its import changed."""

import sys
import threading
from importlib.metadata import EntryPoint
from typing import Any

from lnlbench.plugins.refusal import PluginRefused, attempt
from lnlbench.system.global_state import changes_undone

SLOW_SECONDS = 20.0  # torch itself takes several on a cold disk


def import_plugin(entry_point: EntryPoint, origin: object, variable: str) -> Any:
    """The object that an entry point names; a message about a slow import names `variable`.

    Changed random streams are put back silently, because every run seeds its own.

    Raises:
        PluginRefused: the import raised, or changed a setting that other code's numbers depend on.
    """
    from lnlbench.seeds import global_streams_kept  # imports torch

    def slow() -> None:
        sys.stderr.write(
            f"Still importing the plugin {origin}. If it hangs, stop with Ctrl-C and leave it "
            f"out: {variable}=none, or a list of the plugins to load.\n"
        )

    timer = threading.Timer(SLOW_SECONDS, slow)
    timer.daemon = True
    timer.start()
    try:
        with changes_undone() as changed, global_streams_kept(gpus=False):
            found = attempt(f"importing {entry_point.value!r}", entry_point.load)
    finally:
        timer.cancel()
    if changed:
        listing = "; ".join(f"{name} from {old} to {new}" for name, (old, new) in changed.items())
        raise PluginRefused(f"importing {entry_point.value!r} changed {listing}")
    return found
