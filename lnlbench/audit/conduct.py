"""`audit`: from a folder, or from features, to the findings on every label."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lnlbench import __version__
from lnlbench.audit.cross_fitting import Opinions, cross_fit, deal_folds
from lnlbench.audit.features import Progress
from lnlbench.audit.files import write_files
from lnlbench.audit.findings import Audit, find
from lnlbench.audit.given import Given, open_samples
from lnlbench.audit.judge import Judge, Lesson
from lnlbench.audit.likeness import find_copies, unit_vectors
from lnlbench.audit.page.write import write_page
from lnlbench.audit.samples import Samples
from lnlbench.audit.suspicion import fit_posterior
from lnlbench.data.class_names import class_lines
from lnlbench.data.location import cache_dir
from lnlbench.errors import Interrupted, UsageError
from lnlbench.plugins import Plugins, load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.seeds import TURN
from lnlbench.system.console import Console
from lnlbench.system.progress import shown_progress, silent_progress

# Best of those measured: docs/notebook/2026-11-28-detection-in-five-folds.md.
DEFAULT_METHODS = ("dividemix", "gce")
DEFAULT_FOLDS = 5


def audit(
    folder: str | Path | None = None,
    *,
    table: str | Path | None = None,
    features: str | Path | None = None,
    method: str | Sequence[str] = DEFAULT_METHODS,
    params: Mapping[str, Any] | None = None,
    folds: int = DEFAULT_FOLDS,
    seed: int = 0,
    backbone: str | None = None,
    weights: str | Path | None = None,
    image_size: int | None = None,
    output: str | Path | None = None,
    device: str = "auto",
    show: bool = False,
) -> Audit:
    """Judge every label of a folder of images, or of features, by models that have not seen it.

    Threads may call this at once: their audits and runs take turns.

    Args:
        folder: images as `folder/CLASS/…` or `folder/train/CLASS/…`, or what the table names.
        table: CSV or Parquet file with path and label; needed for features without a folder.
        features: .npy or Parquet file [N, D] in place of pixels, a row for each image or label.
        method: one method, or several whose ranks are combined.
        params: parameters of the method.
        folds: number of models for each method; each is asked about the part it has not seen.
        seed: seed of folds and models.
        backbone: the pretrained network `timm:NAME`; by default the first one of a plugin.
        weights: a file of its weights.
        image_size: pixels that images are resized to; by default the network's own size.
        output: folder to write suspects.csv, labels.csv, summary.json and audit.html into.
        device: auto, cpu, cuda or cuda:N.
        show: show progress on standard error.

    Raises:
        UsageError: an argument, a plugin, weights or data are missing or do not fit.
        RunError: a model could not be trained.
        Interrupted: a signal came; the same call resumes.
    """
    plugins, place = load_plugins(), resolve_device(device)
    progress = shown_progress if show else silent_progress
    judges = _judges(plugins, [method] if isinstance(method, str) else method, params or {})
    given = Given(
        folder=_path(folder),
        table=_path(table),
        features=_path(features),
        weights=_path(weights),
        backbone=backbone,
        image_size=image_size,
    )
    with TURN:
        samples = open_samples(given, plugins, place, progress)
        if show:
            _show_classes(samples)
        found = judge_samples(samples, judges, folds, seed, place, progress)
    if output is not None:
        write_files(found, Path(output))
        write_page(found, Path(output))
    return found


def judge_samples(
    samples: Samples,
    judges: Sequence[Judge],
    folds: int,
    seed: int,
    device: torch.device,
    progress: Progress,
) -> Audit:
    """The findings of the judges on these samples; resumes from the folds in the cache.

    Raises:
        UsageError: the folds do not fit the samples, or a method does not fit features.
        RunError: a model could not be trained.
        Interrupted: a signal came.
    """
    units = unit_vectors(samples.features)
    copies = find_copies(units)
    dealt = deal_folds(samples.labels, folds, copies.groups(len(units)), seed)
    lesson = Lesson(samples.features, samples.labels, len(samples.classes), device)
    opinions = [_opinions(judge, lesson, dealt, seed, progress) for judge in judges]
    posteriors = [fit_posterior(each.logits, samples.labels) for each in opinions]
    about = {
        "given": samples.given,
        "features": samples.source,
        "judges": [judge.document() for judge in judges],
        "temperatures": [posterior.temperature for posterior in posteriors],
        "folds": folds,
        "seed": seed,
        "judge_cpu_seconds": sum(each.cpu_seconds for each in opinions),
        "lnlbench": __version__,
    }
    return find(samples, opinions, posteriors, units, copies, dealt, about)


def _show_classes(samples: Samples) -> None:
    counts = samples.labels.bincount(minlength=len(samples.classes)).tolist()
    for line in class_lines(samples.classes, counts):
        Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _judges(plugins: Plugins, names: Sequence[str], params: Mapping[str, Any]) -> list[Judge]:
    if not names:
        raise UsageError("Name at least one --method; 'lnlbench methods' lists the methods.")
    if params and len(names) > 1:
        raise UsageError(
            "Parameters (--set) are for one method, and an audit has several unless you name one: "
            "--method dividemix."
        )
    return [Judge.of(plugins.method(name), params) for name in names]


def _opinions(
    judge: Judge, lesson: Lesson, folds: torch.Tensor, seed: int, progress: Progress
) -> Opinions:
    count = len(lesson.labels)
    with progress(f"Judged by {judge.method.name}", count) as show:
        show(0)
        place = cache_dir() / "audits" / "folds"
        try:
            return cross_fit(
                judge, lesson, folds, seed, place, lambda share: show(int(share * count))
            )
        except Interrupted as reason:
            raise Interrupted(
                f"The audit was {reason}. Finished folds are kept: the same command resumes."
            ) from reason
