"""Results as a data frame: a row for each run, and the curves of the runs in long form."""

import warnings
from pathlib import Path
from typing import Any

from pandas import DataFrame, concat

from lnlbench.errors import UsageError, unknown_name
from lnlbench.results.schema import Result
from lnlbench.results.store import ResultStore, read_result

_ABOUT = ["track", "method", "recipe", "seed"]


class Results(DataFrame):
    """A row for each run. Rows may be filtered and sorted before `curves` is called."""

    @property
    def _constructor(self) -> type["Results"]:
        return Results

    def curves(self, *names: str) -> DataFrame:
        """The curves of these runs: a row for each run, epoch and curve.

        The columns are track, method, recipe, seed, epoch (from 1), curve, and value. Without
        names, all curves.

        Raises:
            UsageError: no run has a curve of that name.
            DataError: a result file has gone, or has been damaged.
        """
        parts, known = [], set()
        for file in self["file"]:
            result = read_result(Path(file))
            known |= set(result.curves)
            parts += [_long(result, name) for name in names or result.curves]
        for name in names:
            if name not in known:
                raise unknown_name("curve", name, known)
        columns = [*_ABOUT, "epoch", "curve", "value"]
        return concat(parts, ignore_index=True) if parts else DataFrame(columns=columns)


def load_results(folder: str | Path = "leaderboards", track: str | None = None) -> Results:
    """All results below a folder, of one track if it is named, off-track runs included.

    `folder` holds `results/`, or holds `leaderboards/results/`. Broken files are left out with a
    warning for each.

    Raises:
        UsageError: there are no results there, or there is no such track among them.
    """
    root = Path(folder)
    if not (root / "results").is_dir() and (root / "leaderboards" / "results").is_dir():
        root = root / "leaderboards"
    store = ResultStore(root)
    results, bad = store.load_all()
    for each in bad:
        warnings.warn(f"Left out: {each.reason}", stacklevel=2)
    if not results:
        raise UsageError(
            f"There are no results in {store.folder}. Make one with "
            "lnlbench.run('ce', track='digits'), or name a folder that holds leaderboards/results."
        )
    known = {result.track for result in results}
    if track is not None and track not in known:
        raise unknown_name("track with results", track, known)
    chosen = [result for result in results if track in (None, result.track)]
    return Results([_row(store, result) for result in chosen])


def _row(store: ResultStore, result: Result) -> dict[str, Any]:
    """What a table of runs needs; accuracies are fractions, times are seconds."""
    changed = result.off_track.overrides if result.off_track else {}
    protocol = {**result.protocol, **changed}
    return {
        "track": result.track,
        "method": result.method.name,
        "recipe": result.method.recipe,
        "seed": result.seed,
        "status": result.status,
        "off_track": result.off_track is not None,
        "oracle": list(result.method.oracle),
        "dataset": result.data.dataset,
        "noise": result.data.noise,
        "noise_rate": result.data.noise_rate,
        "backbone": protocol.get("backbone"),
        "epochs": protocol.get("epochs"),
        **result.scores.model_dump(),
        **result.cost.model_dump(),
        "params": result.method.params,
        "error": result.error,
        "file": str(store.path_for(result)),
    }


def _long(result: Result, name: str) -> DataFrame:
    values = result.curves.get(name, [])
    about = [result.track, result.method.name, result.method.recipe, result.seed]
    rows = [[*about, epoch, name, value] for epoch, value in enumerate(values, start=1)]
    return DataFrame(rows, columns=[*_ABOUT, "epoch", "curve", "value"])
