"""What shell completion offers for the values of options; no network library is imported."""

from collections.abc import Iterable
from pathlib import Path

import typer


def methods(incomplete: str) -> list[str]:
    """Methods, also after a comma."""
    from lnlbench.plugins import known_plugins

    return _in_list(sorted(known_plugins().methods), incomplete)


def tracks(incomplete: str) -> list[str]:
    """Tracks, those of plugins too, also after a comma."""
    from lnlbench.plugins.tracks import all_tracks

    return _in_list(all_tracks(), incomplete)


def recipes(context: typer.Context) -> list[str]:
    """The recipes of the methods that the command line names, or of all methods."""
    from lnlbench.plugins import known_plugins

    known = known_plugins().methods
    found = {recipe for name in _chosen(context, known) for recipe in known[name].recipes}
    return ["matched", *sorted(found)]


def parameters(context: typer.Context) -> list[str]:
    """NAME= for the parameters of the methods that the command line names, or of all methods."""
    from lnlbench.plugins import known_plugins

    known = known_plugins().methods
    chosen = _chosen(context, known)
    found = {name for method in chosen for name in known[method].Params.model_fields}
    return [f"{name}=" for name in sorted(found)]


def run_folders(incomplete: str) -> list[str]:
    """The directories of runs below the folder `runs`, or below the one that was typed."""
    before, named, _ = incomplete.rpartition("runs/")
    root = Path(f"{before}runs") if named else Path(incomplete, "runs")
    found = [str(spec.parent) for spec in sorted(root.glob("*/*/*/spec.json"))]
    return found or [str(spec.parent) for spec in sorted(Path().glob("runs/*/*/*/spec.json"))]


def _chosen(context: typer.Context, known: Iterable[str]) -> list[str]:
    given = context.params.get("method") or []
    texts = [given] if isinstance(given, str) else given
    names = [name for text in texts for name in text.split(",") if name in known]
    return names or list(known)


def _in_list(names: Iterable[str], incomplete: str) -> list[str]:
    """The names that fit after the last comma, each with what was typed before it."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [
        f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in given
    ]
