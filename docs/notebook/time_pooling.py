"""Processor time of a step on a pretrained network's last stage, by the pooling of its maps.

python docs/notebook/time_pooling.py --repeats 12 --device cpu --output pooling.json

torch's pooling and the one of lnlbench/networks/pooling.py take turns on one thread. The network
is the one of `cifar100n-pretrained-last` with random weights, and its 128 samples are random.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from copy import deepcopy

import timm
import torch
from time_pieces import Piece, deliver, parser
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from lnlbench.networks.pooling import ChannelsLastMean
from lnlbench.networks.pretrained import PretrainedNetwork

NETWORK, LAYER, MAPS, CLASSES = "tf_efficientnet_lite0", "blocks.6", (128, 192, 4, 4), 100


def with_torchs_pooling(network: nn.Module) -> nn.Module:
    """A copy of `network` that takes the mean of its last maps as torch does."""
    network = deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is ChannelsLastMean:
                setattr(module, name, nn.AdaptiveAvgPool2d(1))
    return network


def step(network: nn.Module, maps: Tensor, labels: Tensor) -> float:
    """Milliseconds of processor time of a forward and a backward pass."""
    network.zero_grad()
    began = time.process_time()
    cross_entropy(network(maps), labels).backward()
    return 1e3 * (time.process_time() - began)


def normalization(network: nn.Module, maps: Tensor, labels: Tensor) -> float:
    """Milliseconds that the profiler sees in the gradients of one step's normalizations."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        step(network, maps, labels)
    name = "aten::native_batch_norm_backward"
    events = [each for each in seen.key_averages() if each.key == name]
    return 1e-3 * sum(each.self_cpu_time_total for each in events)


def main(arguments: Sequence[str] | None = None) -> None:
    """Time both networks as the command line says, and print the median ratio."""
    options = argparse.ArgumentParser(description=__doc__, parents=[parser()])
    given = options.parse_args(arguments)
    if given.device not in ("auto", "cpu"):
        options.error("the pooling differs on a CPU alone: give --device cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tensors = timm.create_model(NETWORK, num_classes=0).state_dict()
    ours = PretrainedNetwork(f"timm:{NETWORK}", tensors, CLASSES, LAYER)
    ours.to(memory_format=torch.channels_last)
    networks = {"torch's pooling": with_torchs_pooling(ours), "lnlbench's pooling": ours}
    samples = (
        torch.randn(MAPS).contiguous(memory_format=torch.channels_last),
        torch.randint(CLASSES, MAPS[:1]),
    )
    turns = [
        [step(network, *samples) for network in networks.values()]
        for _ in range(given.repeats + 2)  # the first two allocate and load
    ][2:]
    pieces = []
    for (name, network), times in zip(networks.items(), zip(*turns, strict=True), strict=True):
        pieces.append(Piece(f"{name}: step", statistics.median(times), "ms", given.repeats))
        spent = normalization(network, *samples)
        pieces.append(Piece(f"{name}: gradients of normalizations", spent, "ms", 1))
    torch.set_num_threads(threads)
    ratio = statistics.median(after / before for before, after in turns)
    pieces.append(Piece("ratio of the steps", ratio, "", given.repeats))
    deliver(pieces, torch.device("cpu"), given.output)


if __name__ == "__main__":
    main()
