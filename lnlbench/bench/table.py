"""Timings as a JSON document, and as tables on a terminal."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.table import Table
from rich.text import Text

from lnlbench.bench.sections import SECTIONS
from lnlbench.bench.timing import Timing
from lnlbench.system.console import Console


def document_of(groups: Sequence[Sequence[Timing]]) -> dict[str, Any]:
    """Every timing; of those timed in turns, how many times the epoch of their group's first."""
    entries = []
    for timing, ratio in _with_ratios(groups):
        entry: dict[str, Any] = timing.document()
        entry["ratio_to_first"] = ratio
        entries.append(entry)
    return {"timings": entries}


def print_timings(groups: Sequence[Sequence[Timing]]) -> None:
    """Print the times with their floors, then the sections that they go to."""
    console = Console(highlight=False)
    timings = _with_ratios(groups)
    if not timings:
        console.print("No method trains a network step by step: nothing to time.")
        return
    first, _ = timings[0]
    title = f"{first.backbone}, {first.samples} images, batch {first.batch_size}, {first.device}"
    compared = any(ratio is not None for _, ratio in timings)
    references = any(timing.ratio_to_reference is not None for timing, _ in timings)
    columns = ["method", "precision", "s / epoch", "images / s", "floor s", "× floor"]
    columns += ["× reference"] * references + ["× first"] * compared
    times = Table(*columns, title=title)
    headings = ["method", "precision", *SECTIONS, "evaluation", "untimed s", "peak MiB"]
    shares = Table(*headings, title="Where it goes, in % of an epoch (evaluation comes on top)")
    for timing, ratio in timings:
        precision = timing.precision + (", compiled" if timing.compiled else "")
        # Text, not str: a method's name must not be read as markup.
        name = Text(timing.method)
        cells = [
            f"{timing.seconds_per_epoch:.2f}",
            f"{timing.images_per_second:,.0f}",
            f"{timing.floor_seconds:.2f}",
            f"{timing.ratio_to_floor:.2f}",
        ]
        if references:
            cells.append(f"{timing.ratio_to_reference:.2f}")
        if compared:
            cells.append(f"{ratio:.2f}")
        times.add_row(name, precision, *cells)
        evaluation = timing.evaluation_seconds / timing.seconds_per_epoch
        percent = [f"{100 * share:.1f}" for share in (*timing.shares.values(), evaluation)]
        rest = [f"{timing.untimed_seconds:.1f}", f"{timing.peak_memory_bytes / 2**20:,.0f}"]
        shares.add_row(name, precision, *percent, *rest)
    console.print(times)
    console.print(shares)


def _with_ratios(groups: Sequence[Sequence[Timing]]) -> list[tuple[Timing, float | None]]:
    """Each timing with the median, over rounds, of its epoch by its group's first one's."""
    found: list[tuple[Timing, float | None]] = []
    for group in groups:
        for timing in group:
            rounds = zip(timing.epochs, group[0].epochs, strict=True)
            ratio = median(own / base for own, base in rounds)
            found.append((timing, ratio if len(group) > 1 else None))
    return found
