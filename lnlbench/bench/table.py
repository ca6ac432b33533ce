"""Timings as a JSON document, and as tables on a terminal."""

import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

from lnlbench.bench.sections import SECTIONS
from lnlbench.bench.timing import Timing
from lnlbench.system.listing import print_listing


def document_of(groups: Sequence[Sequence[Timing]]) -> dict[str, Any]:
    """Every timing; for timings in turns also the ratio to the first timing of the group."""
    entries = []
    for timing, ratio in _with_ratios(groups):
        entry: dict[str, Any] = timing.document()
        entry["ratio_to_first"] = ratio
        entries.append(entry)
    return {"timings": entries}


def print_timings(groups: Sequence[Sequence[Timing]]) -> None:
    """Print the times with their floors, and then the time of each section."""
    timings = _with_ratios(groups)
    if not timings:
        sys.stdout.write("No method trains a network step by step, so there is nothing to time.\n")
        return
    first, _ = timings[0]
    title = f"{first.backbone}, {first.samples} images, batch {first.batch_size}, {first.device}"
    compared = any(ratio is not None for _, ratio in timings)
    references = any(timing.ratio_to_reference is not None for timing, _ in timings)
    headings = ["method", "precision", "s / epoch", "images / s", "floor s", "× floor"]
    headings += ["× reference"] * references + ["× first"] * compared
    times = [_times(timing, ratio, references, compared) for timing, ratio in timings]
    print_listing(headings, times, title=title)
    _print_rooflines([timing for timing, _ in timings])
    headings = [
        "method",
        "precision",
        *SECTIONS,
        "evaluation",
        "untimed s",
        "peak MiB",
        "faults / step",
    ]
    title = "Where the time goes, in % of an epoch (evaluation is not part of it)"
    sys.stdout.write("\n")
    print_listing(headings, [_shares(timing) for timing, _ in timings], title=title)


def _print_rooflines(timings: Sequence[Timing]) -> None:
    """Print the floors beside plain matrix products and copies of the same sizes."""
    rows = []
    for timing in timings:
        roof = timing.roofline
        if roof is None:
            continue
        gigas = (roof.flops, roof.bytes, roof.flops_per_second)
        limits = (roof.product_flops_per_second, roof.copy_bytes_per_second)
        numbers = [f"{number / 1e9:,.1f}" for number in (*gigas, *limits)]
        ratios = [f"{roof.ratio_to_limit:.2f}", f"{timing.ratio_to_floor:.2f}"]
        rows.append([timing.method, *numbers, *ratios])
    if not rows:
        return
    headings = ["method", "GFLOP", "GB", "GFLOP/s", "products", "copies", "floor × limit"]
    title = (
        "The floor beside its limit: plain matrix products (GFLOP/s) and copies (GB/s) of the same "
        "sizes. On a CPU a second is one of processor time."
    )
    sys.stdout.write("\n")
    print_listing([*headings, "epoch × floor"], rows, title=title)


def _times(timing: Timing, ratio: float | None, references: bool, compared: bool) -> list[str]:
    cells = [
        *_heads(timing),
        f"{timing.seconds_per_epoch:.2f}",
        f"{timing.images_per_second:,.0f}",
        f"{timing.floor_seconds:.2f}",
        f"{timing.ratio_to_floor:.2f}",
    ]
    cells += [f"{timing.ratio_to_reference:.2f}"] if references else []
    return cells + ([f"{ratio:.2f}"] if compared else [])


def _shares(timing: Timing) -> list[str]:
    evaluation = timing.evaluation_seconds / timing.seconds_per_epoch
    percent = [f"{100 * share:.1f}" for share in (*timing.shares.values(), evaluation)]
    rest = [f"{timing.untimed_seconds:.1f}", f"{timing.peak_memory_bytes / 2**20:,.0f}"]
    rest.append(f"{timing.page_faults_per_step:,.0f}")
    return [*_heads(timing), *percent, *rest]


def _heads(timing: Timing) -> tuple[str, str]:
    return timing.method, timing.precision + (", compiled" if timing.compiled else "")


def _with_ratios(groups: Sequence[Sequence[Timing]]) -> list[tuple[Timing, float | None]]:
    """Each timing with its ratio to the group's first timing, the median over rounds."""
    found: list[tuple[Timing, float | None]] = []
    for group in groups:
        for timing in group:
            rounds = zip(timing.epochs, group[0].epochs, strict=True)
            ratio = median(own / base for own, base in rounds)
            found.append((timing, ratio if len(group) > 1 else None))
    return found
