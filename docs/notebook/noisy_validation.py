"""How noisy validation orders the methods of a track, beside the test accuracies of its table.

lnlbench sweep leaderboards/sweeps/embedding-choice.toml --output choice
python docs/notebook/noisy_validation.py choice cifar100n-embedding

The first folder has runs with `validation`, which hold out samples with their noisy labels. The
program prints a Markdown table in the order of noisy validation, and what a user loses by it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from scipy import stats

from lnlbench.leaderboard.table import build_tables
from lnlbench.results import ResultStore

LEADERBOARDS = Path(__file__).resolve().parents[2] / "leaderboards"
LAST = 3  # epochs at the end, whose mean is compared
FIRST = 10  # methods whose order is compared once more, by itself


def validation(folder: Path, track: str) -> dict[str, float]:
    """Each method's accuracy on the held-out noisy labels, mean of its last epochs."""
    results, errors = ResultStore(folder / "leaderboards").load_all()
    if errors:
        raise SystemExit(f"A result cannot be read: {errors[0]}")
    curves = {
        result.method.name: result.curves["validation_accuracy"]
        for result in results
        if result.track == track
        and "validation_accuracy" in result.curves
        and result.status == "done"
    }
    return {name: fmean(value or 0.0 for value in curve[-LAST:]) for name, curve in curves.items()}


def tested(track: str) -> dict[str, float]:
    """Each method's test accuracy in the table, without recipes and without oracles."""
    results, _ = ResultStore(LEADERBOARDS).load_all()
    tables = [table for table in build_tables(results) if table.track == track]
    return {
        row.method: row.accuracy.mean
        for table in tables
        for row in table.rows
        if row.rank is not None and row.recipe == "matched" and row.accuracy
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, the rank correlation, and the points that the choice loses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the output folder of the runs")
    parser.add_argument("track", help="the track of the runs and of the table")
    given = parser.parse_args(arguments)
    held_out, test = validation(given.folder, given.track), tested(given.track)
    names = sorted(held_out.keys() & test.keys(), key=held_out.__getitem__, reverse=True)
    if len(names) <= FIRST:
        parser.error(
            f"{given.folder} and the table of {given.track} have {len(names)} methods in common, "
            f"and the comparison needs more than {FIRST}. Give the --output of the sweep above."
        )
    lines = ["| method | noisy validation | test | place by test |", "| --- | --- | --- | --- |"]
    for name in names:
        place = 1 + sum(test[other] > test[name] for other in names)
        cells = f"{100 * held_out[name]:.2f} | {100 * test[name]:.2f} | {place}"
        lines.append(f"| `{name}` | {cells} |")
    ends = [test[name] for name in names]
    lost = 100 * (max(ends) - ends[0])
    lines.append("")
    for count in (len(names), FIRST):
        correlation = stats.spearmanr(
            [held_out[name] for name in names[:count]], ends[:count]
        ).statistic
        lines.append(f"Spearman's ρ over the first {count} methods: {correlation:.2f}")
    lines.append(f"The first method is {lost:.2f} points below the best by test.")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
