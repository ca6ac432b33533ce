"""The README of the folder: the best row of each track, and what the files are."""

from collections.abc import Sequence

from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import RULE, Across, across_tracks
from lnlbench.leaderboard.columns.rows import METHOD_AND_RECIPE, RANKED, SEEDS
from lnlbench.leaderboard.cost import baseline_of, time_of_all
from lnlbench.leaderboard.noises import RULE as NOISE_RULE
from lnlbench.leaderboard.noises import Matrix, noise_matrices
from lnlbench.leaderboard.render.markdown import MARKER, grid
from lnlbench.leaderboard.render.noises import NOISES, noises_markdown
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.leaderboard.text import escape
from lnlbench.results.schema import OFF_TRACK

README = "README.md"

_FILES = """\
| what | holds |
| --- | --- |
| `results/<track>/<method>/*.json` | one finished run each; all other files come from these |
| `<track>.md`, `<track>.csv` | the table of a track, and the same with more columns |
| `off-track.md`, `off-track.csv` | runs that change their track, if there are any: no ranks |
| `<track>-noises.svg`, `<track>-noises.csv` | methods against noises: a picture, and numbers |
| `index.html` | all tables as one page that opens from disk, with curves and more below each row |
| `audits/<track>/*.json` | summaries of audits, which a track's table of wrong labels found shows |
| `README.md` | this page |
"""

_AMONG = """\
These ranks are among the compared rows alone, so they differ from the ranks above.
"""

_RULES = """\
## How to add results

```sh
lnlbench run --track digits --method dividemix --seeds 3
lnlbench leaderboard
lnlbench leaderboard --check
```

`run` writes the results where they belong, and `leaderboard` makes every other file from them.
`leaderboard --check` fails if a file does not agree with the results. Commit results and tables
together.

- A track fixes everything except the method. Compare numbers only within a track.
- The mean of the last 10 epochs, averaged over seeds, decides the rank, and never the best epoch.
- With fewer than 3 common seeds a table makes no claim. It lists failed and diverged runs, too.
- A method that gets something that a user does not know is an oracle: its row has no rank.
- Published figures stand beside a table and never in it.
- Edit no file by hand. To replace a result, run it again with `--overwrite`, or delete it.
"""


def readme_page(tables: Sequence[Table], off_track: Sequence[Row]) -> str:
    """The README of the folder; the same results give the same bytes."""
    matrices = noise_matrices(tables)
    header = ["track", "data", "rows", "best ranked row", "last 10", "seeds", "cross-entropy"]
    sections = [
        f"{MARKER}\n\n# Leaderboards\n",
        _counts(tables, off_track),
        grid(header, [_line(table) for table in tables]),
        *(_noises(matrix) for matrix in matrices),
        *([] if matrices else ["## Across tracks\n", _across(across_tracks(tables))]),
        "## What lies here\n",
        _FILES,
        _RULES,
    ]
    return "\n".join(sections)


def _counts(tables: Sequence[Table], off_track: Sequence[Row]) -> str:
    runs = sum(len(row.finished) for table in tables for row in table.rows)
    time = time_of_all(row for table in tables for row in table.rows)
    said = (
        f"Finished runs: {runs}, on {len(tables)} track{'' if len(tables) == 1 else 's'}. "
        f"One after another, they took {time}. The table has test accuracies in percent: the mean "
        "± the standard deviation over seeds. *last 10* decides the rank: the mean of the last 10 "
        "epochs. A run of fewer than 100 epochs counts its last tenth: of 15 epochs only the last "
        "one. *cross-entropy* is the last 10 of plain cross-entropy on the same track.\n"
    )
    if off_track:
        said += (
            f"Runs that [override their track]({OFF_TRACK}.md) are beside them, without ranks.\n"
        )
    return said


def _line(table: Table) -> list[str]:
    best = next((row for row in table.rows if row.best), None)
    baseline = baseline_of(table.rows)
    title = escape(table.title)
    data = ", ".join(
        [table.data.dataset, table.data.noise, text.wrong_labels(table.data.noise_rate)]
    )
    return [
        f"[{title}]({table.track}.md)",
        escape(data),
        str(len(table.rows)),
        escape(METHOD_AND_RECIPE.cell(best)) if best else text.MISSING,
        RANKED.cell(best) if best else text.MISSING,
        SEEDS.cell(best) if best else text.MISSING,
        RANKED.cell(baseline) if baseline else text.MISSING,
    ]


def _noises(matrix: Matrix) -> str:
    name = matrix.name
    marks = (
        "`n` is the number of seeds of a cell, where most cells of its column have another number. "
        "A dash stands where a row has no result or no average rank."
    )
    files = f"The same as a [picture]({name}{NOISES}.svg) and as [CSV]({name}{NOISES}.csv)."
    return "\n".join(
        [
            f"## Methods and noises: {name}\n",
            f"{NOISE_RULE} {marks} {files}\n",
            noises_markdown(matrix),
            f"## Ranks over noises: {name}\n",
            *([] if matrix.across.missing else [_AMONG]),
            _across(matrix.across),
        ]
    )


def _across(across: Across) -> str:
    if across.missing:
        return f"{escape(across.missing)}\n\n{RULE}\n"
    header = ["row", "average rank", *across.tracks]
    lines = [
        [escape(each.name), text.number(each.average, 2), *(f"{rank:g}" for rank in each.ranks)]
        for each in across.standings
    ]
    left = f" Left out: {', '.join(across.left_out)}." if across.left_out else ""
    facts = (
        f"Friedman p = {across.p_value:.3g}, critical difference "
        f"{across.critical_difference:.2f}. {escape(across.claim)}{left}"
    )
    return f"{grid(header, lines)}\n{facts}\n\n{RULE}\n"
