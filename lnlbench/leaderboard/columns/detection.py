"""The columns of the table of wrong labels found."""

from collections.abc import Callable

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import Column
from lnlbench.leaderboard.detection import Found


def _words(head: str, key: str) -> Column[Found]:
    return Column(head, lambda row: getattr(row, key), lambda row: getattr(row, key), key)


def _measure(
    head: str, key: str, write: Callable[[float | None], str] = text.percent
) -> Column[Found]:
    return Column(
        head,
        lambda row: write(getattr(row, key)),
        lambda row: getattr(row, key),
        key,
        numeric=True,
        optional=True,
    )


FOUND = (
    _words("row", "name"),
    _words("judged", "judged"),
    _words("sorted by", "sorted_by"),
    Column[Found](
        "seeds",
        lambda row: text.seeds(row.seeds),
        lambda row: len(row.seeds),
        "n",
        numeric=True,
    ),
    _measure("AUROC", "auroc", text.number),
    _measure("average precision", "average_precision", text.number),
    _measure("precision at 100", "precision_at_100"),
    _measure("precision at the true number", "precision_at_true_number"),
    _measure("F1 of the flagged", "flagged_f1", text.number),
    _measure("flagged", "flagged_share"),
    _measure("estimated noise rate", "estimated_noise_rate"),
    _measure("time", "seconds", text.duration),
    Column[Found](
        "samples", lambda row: f"{row.samples:,}", lambda row: row.samples, "samples", numeric=True
    ),
)
