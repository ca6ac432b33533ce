"""Timing the pieces around the network passes: views, the fit of a mixture, memory."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.table import Table

from lnlbench.augment.views import ImageViews
from lnlbench.bench.data import IMAGE_SHAPE, MEAN, STD, random_samples, views_of
from lnlbench.bench.floor import wait_for
from lnlbench.pieces.mixture import divide
from lnlbench.runner.devices import describe_device
from lnlbench.system.console import Console
from lnlbench.tracks import load_track

IMAGES = 5120
ROWS = 50_000
LOSSES = 50_000
COPIED_BYTES = 256 * 2**20
# Images a call makes views of: a batch, or what runs hand a strong policy at once.
_BATCH, _BLOCK = 64, 1024
AUGMENTATIONS = {
    "weak: crop, flip, normalize": ("weak", _BATCH),
    "strong: AutoAugment": ("strong", _BLOCK),
    "randaugment:2:10": ("randaugment:2:10", _BLOCK),
}


@dataclass(frozen=True)
class Piece:
    """The median of `repeats` times of one piece, in its own unit."""

    name: str
    value: float
    unit: str
    repeats: int


def time_pieces(repeats: int, device: torch.device) -> list[Piece]:
    """Time each piece on one thread: views on the device, the mixture where it always is fitted."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [
            *(
                Piece(name, _views(augment, size, repeats, device), "µs an image and view", repeats)
                for name, (augment, size) in AUGMENTATIONS.items()
            ),
            Piece("weak views of embeddings", _rows(repeats, device), "µs a sample", repeats),
            Piece(f"mixture of {LOSSES:,} losses", _mixture(repeats), "ms", repeats),
            Piece("copy of memory", _copy(repeats, device), "GB/s, read and written", repeats),
        ]
    finally:
        torch.set_num_threads(threads)


def document_of_pieces(pieces: list[Piece], device: torch.device) -> dict[str, Any]:
    """All pieces, and where they were timed."""
    return {"device": describe_device(device), "pieces": [asdict(piece) for piece in pieces]}


def print_pieces(pieces: list[Piece], where: str) -> None:
    """Print one line for each piece; `where` says on what they were timed."""
    title = f"Medians of {pieces[0].repeats}, {where}"
    table = Table("piece", "time", "unit", title=title)
    for piece in pieces:
        table.add_row(piece.name, f"{piece.value:.3g}", piece.unit)
    Console(highlight=False).print(table)


def _views(augment: str, size: int, repeats: int, device: torch.device) -> float:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (IMAGES, *IMAGE_SHAPE), dtype=torch.uint8, generator=generator)
    views = ImageViews(images, MEAN, STD, "crop-flip", device)
    order = torch.randperm(IMAGES, generator=generator).to(device)
    # The draws are a call for all samples, and are timed with what is made of them.
    draws = views.draw(augment, IMAGES, generator)

    def make() -> None:
        views.draw(augment, IMAGES, generator)
        for start in range(0, IMAGES, size):
            part = slice(start, start + size)
            views.view(order[part], draws[part], augment)

    return _median(make, repeats, device) / IMAGES * 1e6


def _rows(repeats: int, device: torch.device) -> float:
    generator = torch.Generator().manual_seed(0)
    protocol = load_track("cifar100n-embedding").protocol
    samples = random_samples(protocol, ROWS, generator)
    views = views_of(protocol, samples, protocol.augment, device)
    order = torch.randperm(ROWS, generator=generator).to(device)
    draws = views.draw("weak", ROWS, generator)
    size = protocol.batch_size

    def make() -> None:
        for index, draw in zip(order.split(size), draws.split(size), strict=True):
            views.view(index, draw, "weak")

    return _median(make, repeats, device) / ROWS * 1e6


def _mixture(repeats: int) -> float:
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(LOSSES, generator=generator)
    clean = torch.arange(LOSSES) < 0.6 * LOSSES
    losses = torch.where(clean, 0.3 * uniform, 0.5 + 0.5 * uniform)
    return _median(lambda: divide(losses, seed=0), repeats, torch.device("cpu")) * 1e3


def _copy(repeats: int, device: torch.device) -> float:
    source = torch.ones(COPIED_BYTES // 4, device=device)
    target = torch.empty_like(source)
    seconds = _median(lambda: target.copy_(source), repeats, device)
    return 2 * COPIED_BYTES / seconds / 1e9


def _median(piece: Callable[[], object], repeats: int, device: torch.device) -> float:
    seconds = []
    for _ in range(repeats + 1):
        wait_for(device)
        began = time.perf_counter()
        piece()
        wait_for(device)
        seconds.append(time.perf_counter() - began)
    # The first one allocates and loads.
    return statistics.median(seconds[1:])
