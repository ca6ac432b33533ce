"""Checks of a plugin's data set."""

from collections.abc import Mapping
from typing import Any

import torch

from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import read_rows
from lnlbench.errors import LnlbenchError
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import validate_params
from lnlbench.plugins.data_checks import check_source
from lnlbench.plugins.refusal import PluginRefused
from lnlbench.spec.provided import Provided, ProvidedData, location_names
from lnlbench.system.global_state import changes_undone
from lnlbench.testing.report import Finding, Report

_READ = 100


def check_dataset(source: DataSource, settings: Mapping[str, Any] | None = None) -> Report:
    """All checks of a data set; loads it twice with these settings.

    Raises:
        AssertionError: a check failed; the message is the whole report, with what to do.
    """
    report = examine_dataset(source, settings or {})
    if not report.passed:
        raise AssertionError(f"\n{report}")
    return report


def examine_dataset(source: DataSource, settings: Mapping[str, Any]) -> Report:
    """The same checks; returns a report even if checks fail."""
    report = Report(f"data set {getattr(source, 'name', source)}")
    try:
        check_source(source)
    except PluginRefused as refusal:
        advice = "Correct it: it is refused at loading."
        report.findings.append(Finding("metadata", "failed", str(refusal), advice))
        return report
    report.findings += [
        Finding("metadata", "passed", f"{source.name}: {source.title}"),
        _check_settings(source),
        *_check_loading(source, settings),
    ]
    return report


def _check_settings(source: DataSource) -> Finding:
    fields = source.params.model_fields
    undescribed = [key for key, each in fields.items() if not (each.description or "").strip()]
    if undescribed:
        found = f"Without a description: {', '.join(undescribed)}."
        return Finding("settings", "failed", found, 'Write Field(…, description="What it is.").')
    places = ", ".join(location_names(source)) or "none"
    names = ", ".join(fields) or "it has none"
    return Finding("settings", "passed", f"All described: {names}. Places: {places}")


def _check_loading(source: DataSource, settings: Mapping[str, Any]) -> list[Finding]:
    needed = [key for key, each in source.params.model_fields.items() if each.is_required()]
    lacking = [key for key in needed if key not in settings]
    if lacking:
        found = f"Not loaded: it needs {', '.join(lacking)}. Give --set-data {lacking[0]}=…"
        return [Finding("loading", "skipped", found)]
    advice = "load returns an lnlbench.Dataset; plugins/data.md says what is in it."
    try:
        validate_params(source.name, source.params, dict(settings), kind="data set")
        with changes_undone() as changed:
            first, second = _load(source, settings), _load(source, settings)
    except (LnlbenchError, OSError, ValueError, TypeError, AttributeError) as error:
        return [Finding("loading", "failed", f"{type(error).__name__}: {error}", advice)]
    data = first.dataset
    facts = (
        f"{len(data.train_labels):,} training and {len(data.test_labels):,} test images, "
        f"{data.num_classes} classes, sha256 {first.spec.sha256[:16]}"
    )
    findings = [Finding("loading", "passed", facts)]
    if first.spec.sha256 != second.spec.sha256 or not _same_pixels(data, second.dataset):
        found = "Loaded twice, the data differ."
        advice = "Sort the files of a folder; seed every draw with a setting or a constant."
        findings.append(Finding("same data", "failed", found, advice))
    else:
        findings.append(Finding("same data", "passed", "Loaded twice, the data are the same."))
    if changed:
        found = f"Loading changed {', '.join(changed)}."
        findings.append(Finding("global state", "failed", found, "Put it back in a finally."))
    return findings


def _same_pixels(one: Dataset, other: Dataset) -> bool:
    # The loader remembers the hash of files, so read them again to see if the data are the same.
    pairs = ((one.train_images, other.train_images), (one.test_images, other.test_images))
    some = slice(_READ)
    return all(torch.equal(read_rows(a, some), read_rows(b, some)) for a, b in pairs)


def _load(source: DataSource, settings: Mapping[str, Any]) -> Provided:
    return ProvidedData({source.name: source}, settings).load(source.name)
