"""A small model with random weights, made without a run."""

import torch

from lnlbench.model.card import Architecture, Card, ImageInput, Normalization, Origin
from lnlbench.model.model import Model
from lnlbench.networks.build import build_backbone

CLASSES = ("ant", "bee", "cat")
SIZE = 16


def random_model(seed: int = 0, channels: int = 3, batch_size: int = 4) -> Model:
    """Two networks `small-cnn` for images of 16 pixels."""
    torch.manual_seed(seed)
    tensors = {}
    for number in range(2):
        state = build_backbone("small-cnn", len(CLASSES), channels, SIZE).state_dict()
        tensors |= {f"network.{number}.{name}": value for name, value in state.items()}
    origin = Origin(
        method="ce",
        recipe="matched",
        params={},
        track="digits",
        seed=0,
        fingerprint="0" * 64,
        dataset="digits",
        noise="clean",
        labels_sha256="1" * 64,
        test_accuracy=None,
        versions={},
    )
    middle = (0.5,) * channels
    card = Card(
        classes=CLASSES,
        input=ImageInput(
            channels=channels, size=SIZE, normalization=Normalization(mean=middle, std=middle)
        ),
        architecture=Architecture(kind="network", name="small-cnn", inputs=channels),
        networks=2,
        precision="fp32",
        batch_size=batch_size,
        origin=origin,
    )
    return Model(card, tensors, torch.device("cpu"))
