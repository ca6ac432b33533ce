"""One small data set, held in memory and in files, and runs of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import ImageFiles
from lnlbench.methods import register_methods
from lnlbench.plugins import Origin
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec

SHAPE = (3, 8, 8)
ORIGIN = Origin("under-test", "0", "test")


def decode(file: Path) -> np.ndarray:
    """A file that holds nothing but the pixels; ValueError when it holds another number of them."""
    return np.fromfile(file, np.uint8).reshape(SHAPE)


def held_dataset(train: int = 200, test: int = 70) -> Dataset:
    """Shades of gray under noise, four classes, a fifth of the given labels wrong."""
    count = train + test
    labels = torch.arange(count) % 4
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 60, (count, *SHAPE), generator=generator)
    images = (noise + 40 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    wrong = torch.arange(train) % 5 == 0
    return Dataset(
        name="digits",
        train_images=images[:train],
        train_labels=labels[:train],
        test_images=images[train:],
        test_labels=labels[train:],
        classes=("a", "b", "c", "d"),
        mean=(0.35,) * 3,
        std=(0.2,) * 3,
        human_labels={"given": torch.where(wrong, (labels[:train] + 1) % 4, labels[:train])},
    )


def in_files(images: torch.Tensor, folder: Path, decode=decode) -> ImageFiles:
    """The same images, each in a file of its own."""
    folder.mkdir(parents=True)
    files = [folder / f"{number}.bin" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        file.write_bytes(image.numpy().tobytes())
    return ImageFiles(files, decode, SHAPE, "bytes as they are")


def streamed_dataset(held: Dataset, folder: Path, decode=decode) -> Dataset:
    """The same data set with its images in files below a folder."""
    return replace(
        held,
        train_images=in_files(held.train_images, folder / "train", decode),
        test_images=in_files(held.test_images, folder / "test", decode),
    )


def run(dataset: Dataset, name: str, folder: Path, display=None, params=None, **changes):
    """Execute a method for two epochs on the digits track's terms; returns its result."""
    [method] = [each for each in register_methods() if each.name == name]
    params = {"warmup_epochs": 1} if name == "dividemix" and params is None else params
    settings = {"noise": "given", "epochs": 2, "validation": 0.1, "batch_size": 32, **changes}
    spec = build_spec(method, "digits", overrides=settings, params=params or {})
    directory = RunDirectory.of_spec(folder, spec)
    return execute(
        spec, method, ORIGIN, dataset, directory, display or QuietDisplay(), RunOptions()
    )


def checkpoint_below(folder: Path) -> Path:
    """The checkpoint of the only run."""
    [directory] = RunDirectory.find(folder / "runs")
    return directory.checkpoint_file
