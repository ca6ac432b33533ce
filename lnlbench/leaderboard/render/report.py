"""A page for one run, or for a few runs with their learning curves in the same charts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import with_values
from lnlbench.leaderboard.columns.layouts import PAGE_REPORT
from lnlbench.leaderboard.page.details import detail_for, headings, row_details
from lnlbench.leaderboard.page.pictures import (
    ClassTables,
    row_pictures,
    snapshots_for,
    wrong_labels,
)
from lnlbench.leaderboard.page.suspects import Suspect
from lnlbench.leaderboard.page.template import embedded, render_template
from lnlbench.leaderboard.render.html import Section
from lnlbench.leaderboard.row import unranked_rows
from lnlbench.results.differences import describe_changes
from lnlbench.results.published import published_figures
from lnlbench.results.schema import Result

# There are colors and dashes for this many curves.
MAX_RUNS = 8


def report_page(
    results: Sequence[Result], suspects: Mapping[str, tuple[list[Suspect], int]] | None = None
) -> str:
    """The page of 1 to 8 finished runs, in the given order and without ranks.

    `suspects` are the doubtful samples of each run, by fingerprint, with the count of all of them.
    """
    suspects = suspects or {}
    rows = [unranked_rows([result])[0] for result in results]
    labels = _labels(results)
    detail = detail_for(rows)
    snapshots, tables = snapshots_for(rows), ClassTables()
    details = []
    for row, label in zip(rows, labels, strict=True):
        data = row.finished[0].data
        published = published_figures(data.dataset, data.noise)
        content = row_details(row, published, detail) | {"title": label, "label": label}
        # The page may lie anywhere, so it cannot link to result files.
        content["pictures"] = row_pictures(row, tables, snapshots)
        content["runs"] = [run | {"file": ""} for run in content["runs"]]
        details.append(content)
    single = len(results) == 1
    section = Section(
        track="runs",
        title=_where(results[0]) if single else f"{len(results)} runs",
        intro="",
        facts={},
        columns=with_values(PAGE_REPORT, rows),
        rows=[replace(row, label=label) for row, label in zip(rows, labels, strict=True)],
        details=[embedded(each) for each in details],
        wrong_labels=wrong_labels(results) if _same_labels(results) else None,
    )
    return render_template(
        "report.html.j2",
        title=labels[0] if single else "Comparison of runs",
        made_by="lnlbench report",
        section=section,
        differences=_differences(results, labels),
        compared=embedded(details),
        headings=embedded(headings(rows)),
        class_tables=embedded(tables.tables),
        suspects=[
            (label, *suspects[result.fingerprint])
            for result, label in zip(results, labels, strict=True)
            if result.fingerprint in suspects
        ],
        images=bool(suspects),
    )


def _same_labels(results: Sequence[Result]) -> bool:
    return len({(r.data.labels_sha256, r.data.num_train) for r in results}) == 1


def _where(result: Result) -> str:
    title = text.plain(str(result.protocol.get("title", result.track)))
    return f"{title}, with overrides" if result.off_track else title


def _labels(results: Sequence[Result]) -> list[str]:
    labels = []
    for result in results:
        recipe = "" if result.method.recipe == "matched" else f" {result.method.recipe}"
        labels.append(f"{result.method.name}{recipe}, seed {result.seed}")
    return [
        label if labels.count(label) == 1 else f"{label} ({result.fingerprint[:8]})"
        for label, result in zip(labels, results, strict=True)
    ]


def _differences(results: Sequence[Result], labels: Sequence[str]) -> list[str]:
    first, *others = results
    found = []
    for other, label in zip(others, labels[1:], strict=True):
        changes = [
            describe_changes(name, _shared(first)[name], _shared(other)[name])
            for name in _shared(first)
        ]
        if any(changes):
            text_ = "; ".join(filter(None, changes))
            found.append(text.plain(f"{label} beside {labels[0]}: {text_}")[:500])
    return found


def _shared(result: Result) -> dict[str, Any]:
    return {
        "track": result.track,
        "labels": result.data.model_dump(exclude={"notes"}),
        "protocol": result.own_protocol,
    }
