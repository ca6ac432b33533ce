"""The commands that repeat a row: each makes `lnlbench run` build the specs of the row's runs."""

from collections.abc import Sequence
from pathlib import Path

from lnlbench.leaderboard.row import Row
from lnlbench.results.schema import Result
from lnlbench.results.store import ResultStore


def commands(row: Row) -> list[str]:
    """The command lines that make a row's finished runs, or its other runs if it has none.

    Paths of files begin at the folder that holds leaderboards/. The command for runs that override
    their track takes the specs in their results: options would change the track as it is today. So
    does the command for runs on an own track, whose file may lie anywhere.
    """
    runs = row.finished or row.unfinished
    if row.overrides is not None or "own_track" in runs[0].spec:
        return [f"lnlbench run --spec {_file(run)}" for run in runs]
    seeds = _seed_option([run.seed for run in runs])
    if row.tuning is not None:
        # A result holds the recipe that it followed.
        return [f"lnlbench run --recipe-file {_file(runs[0])} {seeds}"]
    recipe = "" if row.recipe == "matched" else f"--recipe {row.recipe} "
    return [f"lnlbench run --track {row.track} --method {row.method} {recipe}{seeds}"]


def _file(result: Result) -> str:
    return ResultStore(Path("leaderboards")).path_for(result).as_posix()


def _seed_option(seeds: Sequence[int]) -> str:
    if list(seeds) == list(range(len(seeds))):
        return f"--seeds {len(seeds)}"
    # A single number after --seeds is a count.
    return f"--seed {seeds[0]}" if len(seeds) == 1 else f"--seeds {','.join(map(str, seeds))}"
