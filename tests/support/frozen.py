"""A small frozen network with random weights on few images: embeddings in a second."""

from pathlib import Path

import timm
import torch

from lnlbench.data.dataset import Dataset
from lnlbench.embeddings.load import Embeddings, load_embeddings
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.spec.overrides import override_protocol
from lnlbench.tracks import Protocol, load_track

CPU = torch.device("cpu")
NETWORK = "test_efficientnet"
FROZEN = {
    "backbone": f"timm:{NETWORK}",
    "embedding": {"image_size": 32, "views": 2, "head": "linear"},
}


def weights_file(folder: Path, seed: int = 0, name: str = NETWORK) -> Path:
    """Random weights of a network of timm, as a file."""
    torch.manual_seed(seed)
    file = folder / f"weights-{seed}.pth"
    torch.save(timm.create_model(name, pretrained=False).state_dict(), file)
    return file


def random_dataset(train: int = 520, test: int = 60, seed: int = 0) -> Dataset:
    """Random images of four classes; three chunks of embeddings."""
    generator = torch.Generator().manual_seed(seed)

    def images(count: int) -> torch.Tensor:
        return torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)

    def labels(count: int) -> torch.Tensor:
        return torch.randint(4, (count,), generator=generator)

    return Dataset(
        name="digits",
        train_images=images(train),
        train_labels=labels(train),
        test_images=images(test),
        test_labels=labels(test),
        classes=("a", "b", "c", "d"),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
    )


def frozen_protocol(**embedding: object) -> Protocol:
    """The digits track on a frozen network."""
    changes = {**FROZEN, "augment": "crop-flip", "embedding": {**FROZEN["embedding"], **embedding}}
    return override_protocol(load_track("digits").protocol, changes)


def embed(dataset: Dataset, protocol: Protocol, file: Path | None) -> Embeddings:
    """Open or make embeddings below LNLBENCH_CACHE_DIR."""
    assert protocol.embedding is not None
    return load_embeddings(dataset, protocol, protocol.embedding, CPU, WeightSources(file))
