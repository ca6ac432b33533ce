"""Timings as a JSON document, and as tables on a terminal."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lnlbench.bench.sections import SECTIONS
from lnlbench.bench.timing import Timing


def document_of(timings: Sequence[Timing]) -> dict[str, Any]:
    """Every timing; compared ones say how many times the first option's epoch theirs takes."""
    entries = []
    for timing in timings:
        entry: dict[str, Any] = timing.document()
        entry["ratio_to_first"] = _ratio_to_first(timing, timings)
        entries.append(entry)
    return {"timings": entries}


def print_timings(timings: Sequence[Timing]) -> None:
    """Print the times beside their floors, then where they go."""
    console = Console(highlight=False)
    if not timings:
        console.print("No method trains a network step by step: nothing to time.")
        return
    first = timings[0]
    title = f"{first.backbone}, {first.samples} images, batch {first.batch_size}, {first.device}"
    compared = any(timing.option for timing in timings)
    references = any(timing.ratio_to_reference is not None for timing in timings)
    columns = ["method", "precision", "s / epoch", "images / s", "floor s", "× floor"]
    columns += ["× reference"] * references + ["× first"] * compared
    times = Table(*columns, title=title)
    headings = ["method", "precision", *SECTIONS, "evaluation", "untimed s", "peak MiB"]
    shares = Table(*headings, title="Where it goes, in % of an epoch (evaluation comes on top)")
    for timing in timings:
        precision = timing.precision + (", compiled" if timing.compiled else "")
        # Text, not str: a method's name is not markup.
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
            cells.append(f"{_ratio_to_first(timing, timings):.2f}")
        times.add_row(name, precision, *cells)
        evaluation = timing.evaluation_seconds / timing.seconds_per_epoch
        percent = [f"{100 * share:.1f}" for share in (*timing.shares.values(), evaluation)]
        rest = [f"{timing.untimed_seconds:.1f}", f"{timing.peak_memory_bytes / 2**20:,.0f}"]
        shares.add_row(name, precision, *percent, *rest)
    console.print(times)
    console.print(shares)


def _ratio_to_first(timing: Timing, timings: Sequence[Timing]) -> float | None:
    """The median over rounds of this option's epoch by the first one's of the same round."""
    if not timing.option:
        return None
    first = next(each for each in timings if each.method == timing.method)
    pairs = zip(timing.epochs, first.epochs, strict=True)
    return median(own / base for own, base in pairs)
