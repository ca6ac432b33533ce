"""Which rows find wrong labels, and how well: methods in sample, audits out of sample."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum

from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.results.audits import AuditSummary
from lnlbench.results.diagnostics import Detection
from lnlbench.results.schema import Result

IN_SAMPLE, OUT_OF_SAMPLE = "in sample", "out of sample"
BELIEF = "clean probability"


@dataclass(frozen=True)
class Found:
    """How well one row finds wrong labels: means over its seeds. A mean is None if a seed lacks it.

    `judged` says whether a label is judged by a model that learned it, `sorted_by` what sorts the
    `samples`. `flagged_share` is what the row holds for wrong. `seconds` are the duration of a
    run, or the CPU time of an audit's judges.
    """

    name: str
    judged: str
    sorted_by: str
    samples: int
    seeds: tuple[int, ...]
    auroc: float | None
    average_precision: float | None
    precision_at_100: float | None
    precision_at_true_number: float | None
    flagged_f1: float | None
    flagged_share: float | None
    estimated_noise_rate: float | None
    seconds: float | None


_MEASURES = tuple(name for name in Found.__annotations__ if name in Detection.model_fields)
_VALUES = tuple(name for name in _MEASURES if name != "samples")


def found_labels(table: Table) -> list[Found]:
    """All rows of a track that sort its training labels, best AUROC first."""
    rows = [found for row in table.rows for found in _in_sample(row)]
    rows += _out_of_sample(table.audits)
    return sorted(rows, key=lambda row: (-(row.auroc or 0), row.name, row.judged, row.sorted_by))


def _in_sample(row: Row) -> Iterable[Found]:
    name = row.name_and_recipe + (" (oracle)" if row.oracle else "")
    for sorted_by in (BELIEF, "loss"):
        each = [_recorded(run, sorted_by) for run in row.finished]
        samples = {found.samples for found in each if found is not None}
        if not samples:
            # Results from before these measures still say how well the belief sorts.
            each = [_from_scores(run) if sorted_by == BELIEF else None for run in row.finished]
            samples = {found.samples for found in each if found is not None}
        if len(samples) == 1 and None not in each:
            yield Found(
                name=name,
                judged=IN_SAMPLE,
                sorted_by=sorted_by,
                samples=samples.pop(),
                seeds=tuple(row.by_seed),
                seconds=row.wall_seconds,
                **{
                    measure: _mean([getattr(found, measure) for found in each])
                    for measure in _VALUES
                },
            )


def _recorded(run: Result, sorted_by: str) -> Detection | None:
    detections = (run.diagnostics and run.diagnostics.detection) or []
    return next((found for found in detections if found.of == sorted_by), None)


def _from_scores(run: Result) -> Detection | None:
    """What scores of the clean labels say of the wrong ones; None without a belief."""
    scores, count, rate = run.scores, run.data.num_train, run.data.noise_rate
    if scores.clean_auroc is None or rate is None:
        return None
    share = f1 = None
    if scores.label_precision and scores.label_recall:
        hits = scores.label_recall * (1 - rate)
        believed = hits / scores.label_precision
        share = 1 - believed
        f1 = 2 * (rate - (believed - hits)) / (share + rate) if share + rate else None
    return Detection.model_construct(
        of=BELIEF,
        samples=count,
        auroc=scores.clean_auroc,
        average_precision=None,
        precision_at_100=None,
        precision_at_true_number=None,
        flagged_f1=f1,
        flagged_share=share,
        estimated_noise_rate=None,
        true_noise_rate=rate,
    )


def _out_of_sample(audits: Sequence[AuditSummary]) -> Iterable[Found]:
    def key(audit: AuditSummary) -> tuple[str, int, int]:
        return audit.judges, audit.about.folds, audit.samples

    for (judges, folds, samples), group in groupby(sorted(audits, key=key), key):
        each = sorted(group, key=lambda audit: audit.about.seed)
        measures = [name for name in _VALUES if name != "estimated_noise_rate"]
        yield Found(
            name=f"audit by {judges}, {folds} folds",
            judged=OUT_OF_SAMPLE,
            sorted_by="suspicion",
            samples=samples,
            seeds=tuple(audit.about.seed for audit in each),
            estimated_noise_rate=_mean([audit.noise_rate.estimate for audit in each]),
            seconds=_mean([audit.about.judge_cpu_seconds for audit in each]),
            **{
                name: _mean([getattr(audit.detection, name) for audit in each]) for name in measures
            },
        )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known and len(known) == len(values) else None
