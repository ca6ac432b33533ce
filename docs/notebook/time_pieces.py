"""Time the pieces around the network passes: views, the fit of a mixture, a copy of memory.

python docs/notebook/time_pieces.py --repeats 9 --device cpu --output pieces.json
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.table import Table

from lnlbench.augment.views import ImageViews
from lnlbench.bench.data import IMAGE_SHAPE, MEAN, STD, random_samples, views_of
from lnlbench.bench.floor import wait_for
from lnlbench.pieces.mixture import divide
from lnlbench.runner.devices import describe_device, resolve_device
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


def parser() -> argparse.ArgumentParser:
    """The options of every program here that times pieces."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--repeats", type=int, default=3, help="Calls whose median is taken.")
    options.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
    options.add_argument("--output", type=Path, help="JSON file to write.")
    return options


def deliver(pieces: Sequence[Piece], device: torch.device, output: Path | None) -> None:
    """Print one line for each piece, and write the JSON file that was asked for."""
    table = Table("piece", "time", "unit", title=describe_device(device))
    for piece in pieces:
        table.add_row(piece.name, f"{piece.value:.3g}", piece.unit)
    Console(highlight=False).print(table)
    if output is not None:
        timed = [asdict(piece) for piece in pieces]
        document = {"device": describe_device(device), "pieces": timed}
        output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Time the pieces as the command line says."""
    options = argparse.ArgumentParser(description=__doc__, parents=[parser()])
    given = options.parse_args(arguments)
    device = resolve_device(given.device)
    deliver(time_pieces(given.repeats, device), device, given.output)


if __name__ == "__main__":
    main()
