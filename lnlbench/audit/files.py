"""The files of an audit: suspects.csv, labels.csv and summary.json."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lnlbench.audit.findings import Audit, summary
from lnlbench.system.atomic import write_atomically
from lnlbench.system.cells import guarded

# Tables of labels: with all suggestions, and with those that a person accepted.
SUGGESTED, DECIDED = "labels.csv", "decided-labels.csv"
SUSPECTS = (
    "path",
    "given_label",
    "suggested_label",
    "suspicion",
    "agreement",
    "nearest_suggested",
    "nearest_given",
)
LABELS = ("path", "label", "given_label", "suspicion")


def write_files(audit: Audit, folder: Path) -> None:
    """Write the three files into a folder.

    Raises:
        UsageError: the folder cannot be written.
    """
    write_atomically(folder / "suspects.csv", csv_bytes(SUSPECTS, suspect_rows(audit)))
    # Earlier decisions stay with the labels, so that no later audit asks again.
    columns = LABELS if audit.samples.decisions is None else (*LABELS, "decision")
    write_atomically(folder / SUGGESTED, csv_bytes(columns, _label_rows(audit)))
    text = json.dumps(summary(audit), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / "summary.json", f"{text}\n".encode(errors="surrogateescape"))


def suspect_rows(audit: Audit) -> Iterable[tuple[str, ...]]:
    """The suspects, most suspicious first, with the columns of SUSPECTS."""
    samples = audit.samples
    examples = zip(audit.nearest_suggested.tolist(), audit.nearest_given.tolist(), strict=True)
    for row, near in zip(audit.suspects.tolist(), examples, strict=True):
        yield (
            samples.paths[row],
            samples.classes[samples.labels[row]],
            samples.classes[audit.suggested[row]],
            _share(audit.suspicion[row]),
            f"{float(audit.agreement[row]):.3g}",
            *("" if each < 0 else samples.paths[each] for each in near),
        )


def _label_rows(audit: Audit) -> Iterable[tuple[str, ...]]:
    names, given = audit.samples.classes, audit.samples.labels.tolist()
    for row, label in enumerate(audit.labels.tolist()):
        path = audit.samples.paths[row]
        decisions = audit.samples.decisions
        decided = () if decisions is None else (decisions[row],)
        yield (path, names[label], names[given[row]], _share(audit.suspicion[row]), *decided)


def _share(value: float) -> str:
    # So many digits that samples of different suspicion keep their order in the file.
    return f"{value:.12g}"


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file whose cells no spreadsheet runs as formulas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([guarded(str(cell)) for cell in row] for row in rows)
    # A path may hold bytes that are not UTF-8.
    return buffer.getvalue().encode(errors="surrogateescape")
