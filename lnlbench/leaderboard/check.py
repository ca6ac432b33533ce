"""Check that results can share a table, and that the tables agree with the results."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lnlbench.leaderboard.render.files import is_foreign, render
from lnlbench.leaderboard.render.markdown import MARKER
from lnlbench.results.audits import NO_AUDITS, Audits
from lnlbench.results.differences import describe_changes
from lnlbench.results.identity import run_identity
from lnlbench.results.schema import Result
from lnlbench.results.store import ResultStore


def conflicts(store: ResultStore, results: Sequence[Result]) -> list[str]:
    """Why results cannot share a table: the same run twice, different labels or protocols.

    Each string names the files and the next step.
    """
    problems = []
    for claimants in _grouped(results, run_identity):
        if len(claimants) > 1:
            files = " and ".join(str(store.path_for(result)) for result in claimants)
            problems.append(
                f"{files} claim the same run (track, method, recipe, parameters, seed): "
                "delete all but one"
            )
    for track in _grouped((r for r in results if r.off_track is None), lambda r: r.track):
        for part, value in (("labels", _labels), ("protocol", _protocol)):
            problems += _disagreement(store, track, part, value)
    return problems


def stale_files(
    store: ResultStore, results: Sequence[Result], complete: bool, audits: Audits = NO_AUDITS
) -> list[str]:
    """Missing and outdated tables of these results; for all results, also superfluous tables.

    Each string names the file and the next step.
    """
    wanted = render(results, complete, audits)
    problems = []
    for name, text in wanted.items():
        path = store.root / name
        if is_foreign(path):
            continue
        if not path.is_file():
            problems.append(f"{path} is missing: run `lnlbench leaderboard`")
        elif path.read_bytes() != text.encode():
            problems.append(f"{path} does not agree with its results: run `lnlbench leaderboard`")
    if complete:
        problems += [
            f"{path} has no results: delete it and its .csv"
            for path in sorted([*store.root.glob("*.md"), *store.root.glob("*.svg")])
            # Only our own files begin with the marker: a user may have written others.
            if path.name not in wanted
            and path.is_file()
            and path.read_bytes().startswith(MARKER.encode())
        ]
    return problems


def _grouped(results: Iterable[Result], key: Callable[[Result], Any]) -> list[list[Result]]:
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return [groups[name] for name in sorted(groups)]


def _labels(result: Result) -> dict[str, Any]:
    return result.data.model_dump(exclude={"notes"})


def _protocol(result: Result) -> dict[str, Any]:
    return dict(result.protocol)


def _disagreement(
    store: ResultStore, results: list[Result], part: str, value: Callable[[Result], dict[str, Any]]
) -> list[str]:
    first = results[0]
    for other in results[1:]:
        if value(first) != value(other):
            changes = describe_changes(part, value(first), value(other))
            return [
                f"{store.path_for(first)} and {store.path_for(other)} are of one track but differ: "
                f"{changes}. Run one of them again with --overwrite, or delete it"
            ]
    return []
