"""A small network of timm with random weights in a file: pretrained weights in a second."""

from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

NETWORK = "test_efficientnet"
BACKBONE = f"timm:{NETWORK}"
FLAGS = ("--track", "digits", "--backbone", BACKBONE, "--pretrained", "--image-size", "32")
SHORT = ("--epochs", "2", "--limit-train", "60", "--limit-test", "40", "--batch-size", "20")


def pretrained_file(folder: Path, name: str = NETWORK, seed: int = 0) -> Path:
    """Random weights of a network of timm, classifier and all, as a .safetensors file."""
    torch.manual_seed(seed)
    file = folder / f"{name}-{seed}.safetensors"
    save_file(timm.create_model(name, pretrained=False).state_dict(), file)
    return file


def tensors_of(file: Path) -> dict[str, Tensor]:
    """The tensors of a file without the classifier, as a run finds them."""
    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.networks.weights import find_weights

    return dict(find_weights(BACKBONE, WeightSources(file)).tensors)
