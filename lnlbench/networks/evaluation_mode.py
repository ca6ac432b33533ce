"""Put networks into eval mode for a block, without gradients."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluation_mode(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Networks in eval mode without gradients; restores their training modes afterwards."""
    networks = list(networks)
    modes = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
