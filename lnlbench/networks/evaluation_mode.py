"""Put networks into eval mode for a block, without gradients."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluation_mode(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Networks in eval mode without gradients; restores the mode of each layer afterwards."""
    networks = list(networks)
    # A method may keep a layer in eval mode while it trains the others.
    modes = [(layer, layer.training) for network in networks for layer in network.modules()]
    for network in networks:
        network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for layer, mode in modes:
            layer.training = mode
