"""The hooks a plugin can implement, one line each; plugins/hooks.md and data.md explain them."""

from pathlib import Path
from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from lnlbench.interface.data_source import DataSource
    from lnlbench.interface.method import Method
    from lnlbench.networks.backbone import Backbone
    from lnlbench.tracks import Track

hookspec = HookspecMarker("lnlbench")


@hookspec
def register_methods() -> "list[type[Method]]":  # type: ignore[empty-body]
    """Return the methods this plugin provides."""


@hookspec
def register_backbones() -> "list[Backbone]":  # type: ignore[empty-body]
    """Return the networks with pretrained weights that this plugin provides."""


@hookspec
def register_datasets() -> "list[DataSource]":  # type: ignore[empty-body]
    """Return the data sets this plugin provides."""


@hookspec
def register_tracks() -> "list[Track]":  # type: ignore[empty-body]
    """Return the tracks this plugin provides."""


@hookspec
def run_started(directory: Path, spec: dict, epoch: int) -> None:
    """A run begins or resumes in its directory; `epoch`, counted from 0, is the next to train."""


@hookspec
def epoch_finished(directory: Path, epoch: int, values: dict) -> None:
    """An epoch (counted from 0) was trained, evaluated and saved; `values` holds its curves."""


@hookspec
def run_finished(directory: Path, result: dict) -> None:
    """A run has ended, well or badly; `result` is the document of its result file."""
