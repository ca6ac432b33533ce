"""`audit`: from a folder, or from features, to the findings on every label."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lnlbench import __version__
from lnlbench.audit.cross_fitting import Opinions, cross_fit, deal_folds
from lnlbench.audit.features import FeatureNetwork, Progress
from lnlbench.audit.files import write_files
from lnlbench.audit.findings import Audit, find
from lnlbench.audit.judge import Judge, Lesson
from lnlbench.audit.likeness import find_copies, unit_vectors
from lnlbench.audit.page.write import write_page
from lnlbench.audit.posterior import fit_posterior
from lnlbench.audit.samples import Samples, collected, feature_samples, image_samples
from lnlbench.audit.tables import LabelTable, read_label_table
from lnlbench.data.location import cache_dir
from lnlbench.errors import UsageError
from lnlbench.networks.weights import WeightSources
from lnlbench.plugins import Plugins, load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.system.progress import shown_progress

DEFAULT_METHOD = "elr"
DEFAULT_FOLDS = 5
_FOLDER_DATA = "image-folder"


def audit(
    folder: str | Path | None = None,
    *,
    table: str | Path | None = None,
    features: str | Path | None = None,
    method: str | Sequence[str] = DEFAULT_METHOD,
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

    Args:
        folder: images as `folder/CLASS/…` or `folder/train/CLASS/…`, or what the table names.
        table: CSV or Parquet file with path and label; needed for features, where it has a label
            for each row.
        features: an .npy or Parquet file [N, D] in place of images.
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
        UsageError: an argument, a plugin or weights are missing or do not fit.
        DataError: folder, table or features cannot be used.
        RunError: a model could not be trained.
        Interrupted: a signal came; the same call resumes.
    """
    plugins = load_plugins()
    place = resolve_device(device)
    progress = shown_progress if show else _silent
    judges = _judges(plugins, [method] if isinstance(method, str) else method, params or {})
    rows = None if table is None else read_label_table(Path(table))
    if features is not None:
        samples = feature_samples(Path(features), _needed(rows))
    else:
        root = _named(folder)
        sources = WeightSources(None if weights is None else Path(weights), plugins.backbones)
        network = FeatureNetwork.of(backbone, image_size, sources)
        collection = collected(
            plugins.datasets.get(_FOLDER_DATA),
            root,
            None if table is None else Path(table),
            network.preprocessing.image_size,
        )
        samples = image_samples(collection, network, place, progress, rows)
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
        "features": samples.source,
        "judges": [judge.document() for judge in judges],
        "temperatures": [posterior.temperature for posterior in posteriors],
        "folds": folds,
        "seed": seed,
        "lnlbench": __version__,
    }
    return find(samples, opinions, posteriors, units, copies, dealt, about)


def _judges(plugins: Plugins, names: Sequence[str], params: Mapping[str, Any]) -> list[Judge]:
    if not names:
        raise UsageError("Name at least one --method; 'lnlbench methods' lists the methods.")
    if params and len(names) > 1:
        raise UsageError("Parameters (--set) are for one method: name one --method.")
    return [Judge.of(plugins.method(name), params) for name in names]


def _needed(table: LabelTable | None) -> LabelTable:
    if table is None:
        raise UsageError(
            "Features have no labels: give them with --table labels.csv, a label in each row, in "
            "the order of the features."
        )
    return table


def _named(folder: str | Path | None) -> Path:
    if folder is None:
        raise UsageError(
            "Name a folder of images, such as 'lnlbench audit FOLDER', or features and labels: "
            "--features features.npy --table labels.csv."
        )
    return Path(folder)


def _opinions(
    judge: Judge, lesson: Lesson, folds: torch.Tensor, seed: int, progress: Progress
) -> Opinions:
    count = len(lesson.labels)
    with progress(f"Judged by {judge.method.name}", count) as show:
        show(0)
        return cross_fit(
            judge,
            lesson,
            folds,
            seed,
            cache_dir() / "audits" / "folds",
            lambda share: show(int(share * count)),
        )


@contextlib.contextmanager
def _silent(title: str, total: int) -> Iterator[Any]:
    yield lambda done: None
