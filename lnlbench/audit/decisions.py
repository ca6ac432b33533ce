"""From the decisions of a person to new labels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lnlbench.audit.files import csv_bytes
from lnlbench.audit.tables import require_unique
from lnlbench.data.table_file import read_table
from lnlbench.errors import DataError, UsageError
from lnlbench.system.atomic import write_atomically
from lnlbench.system.cells import unguarded

CHOICES = ("accept", "keep", "unsure")
_NEEDED = ("path", "given_label", "suggested_label", "decision")
COLUMNS = ("path", "label", "given_label", "suspicion", "decision")


@dataclass(frozen=True)
class Applied:
    """How many decisions of each kind became labels, and where these are.

    `new` are accepted labels that no sample had: a class of the user's own, or a misspelling.
    """

    file: Path
    samples: int
    accepted: int
    kept: int
    unsure: int
    new: tuple[str, ...]


def apply_decisions(decisions: Path, labels: Path, output: Path) -> Applied:
    """Write the labels of an audit again: accepted suggestions, and the given labels elsewhere.

    `labels` is the audit's labels.csv. The new table says what was decided, so that the next audit
    does not ask about these samples again.

    Raises:
        UsageError: a file is missing, or the decisions are of another audit.
        DataError: a file cannot be read, a decision is unknown or lacks its label, or two rows are
            of one sample.
    """
    chosen = _read_decisions(decisions)
    if not labels.is_file():
        raise UsageError(
            f"{labels.parent} holds no {labels.name} of an audit. Name the folder of the audit "
            "that the decisions belong to: --audit DIR."
        )
    table = _rows(labels, ("path", "label", "given_label", "suspicion"), {"decision": ""})
    require_unique(labels, (row["path"] for row in table))
    known = {row["path"]: row for row in table}
    for path, row in chosen.items():
        if path not in known or known[path]["given_label"] != row["given_label"]:
            raise UsageError(
                f"{decisions} decides on {path!r} with the label {row['given_label']!r}, and "
                f"{labels} has no such row. Name the folder of the audit that the decisions "
                "belong to: --audit DIR."
            )
    rows = []
    for path, row in known.items():
        # What an earlier audit decided stays, and its label is the given one by now.
        decision = chosen.get(path, row)["decision"]
        accepted = path in chosen and decision == "accept"
        label = chosen[path]["suggested_label"] if accepted else row["given_label"]
        rows.append((path, label, row["given_label"], row["suspicion"], decision))
    write_atomically(output, csv_bytes(COLUMNS, rows))
    counts = Counter(row["decision"] for row in chosen.values())
    before = {row[name] for row in table for name in ("given_label", "label")}
    new = tuple(sorted({label for _, label, *_ in rows} - before))
    return Applied(output, len(rows), counts["accept"], counts["keep"], counts["unsure"], new)


def _read_decisions(file: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for number, row in enumerate(_rows(file, _NEEDED), start=2):
        row["decision"] = row["decision"].strip().lower()  # a person may have typed it
        if row["decision"] not in CHOICES:
            raise DataError(
                f"{file}, row {number}: the decision is {row['decision']!r}. Write one of "
                f"{', '.join(CHOICES)}."
            )
        if row["decision"] == "accept" and not row["suggested_label"]:
            raise DataError(
                f"{file}, row {number}: it accepts a suggested label, and none is there. Write the "
                "label into the column suggested_label, or the decision keep or unsure."
            )
        if found.setdefault(row["path"], row) != row:
            raise DataError(
                f"{file}, row {number}: another row decides otherwise on {row['path']!r}. Leave "
                "one of them."
            )
    return found


def _rows(
    file: Path, needed: tuple[str, ...], defaults: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, str]]:
    """The cells of some columns; a column with a default may be missing."""
    frame = read_table(file)
    for name, value in defaults.items():
        if name not in frame:
            frame[name] = value
    missing = [name for name in needed if name not in frame]
    if missing:
        raise DataError(
            f"{file} has no column {missing[0]!r}. Its columns: {', '.join(frame.columns)}. "
            f"Needed: {', '.join(needed)}."
        )
    names = [*needed, *defaults]
    values = frame[names].astype(str).itertuples(index=False)
    return [
        {name: unguarded(cell) for name, cell in zip(names, row, strict=True)} for row in values
    ]
