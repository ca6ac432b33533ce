"""The methods and tracks as data frames."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


def list_methods() -> "DataFrame":
    """All methods of all plugins by name: a row each, with networks, oracle, recipes, reference."""
    from pandas import DataFrame

    from lnlbench.plugins import load_plugins
    from lnlbench.plugins.describe import method_summary

    plugins = load_plugins()
    rows = [method_summary(plugins, name) for name in sorted(plugins.methods)]
    return DataFrame(rows).set_index("name")


def list_tracks() -> "DataFrame":
    """All tracks by name: a row each, with data set, noise, network, epochs and description."""
    from pandas import DataFrame

    from lnlbench.plugins.tracks import all_tracks

    rows = []
    for name, track in all_tracks().items():
        fields = track.protocol.model_dump(include={"dataset", "noise", "backbone", "epochs"})
        rows.append({"name": name, **fields, "description": track.description})
    return DataFrame(rows).set_index("name")
