"""The floor of an epoch: the same network passes, replayed on one preloaded batch."""

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.bench.data import FEATURES, IMAGE_SHAPE, NUM_CLASSES, input_shape
from lnlbench.networks.build import build_backbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.plugins.networks import provided_for
from lnlbench.runner.devices import wait_for
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.prepare import compiled_batches
from lnlbench.tracks import Protocol


@dataclass(frozen=True)
class Pass:
    """One call of a network; without a `network`, an optimizer step on the calls since the last.

    `large` calls pass the whole training set in inference mode.
    """

    network: int | None
    batch: int = 0
    training: bool = False
    gradients: bool = False
    large: bool = False


@dataclass(frozen=True)
class NetworkKind:
    """How bench builds networks."""

    protocol: Protocol
    precision: str
    device: torch.device
    compiled: bool = False
    channels_last: bool = True

    def build(self) -> nn.Module:
        """A network as a run builds it."""
        embedding = self.protocol.embedding
        if embedding is None:
            channels, size, _ = IMAGE_SHAPE
            name = self.protocol.backbone
            body = build_backbone(name, NUM_CLASSES, channels, size, provided_for(name))
        else:
            body = build_head(embedding.head, FEATURES, NUM_CLASSES, embedding.dropout)
        unit = compiled_batches(self.protocol) if self.compiled else None
        network = PreciseNetwork(body, self.precision, self.device, unit)
        return network if self.channels_last else network.to(memory_format=torch.contiguous_format)


class Floor:
    """Networks of one kind and one preloaded batch, which replay recorded passes."""

    def __init__(self, kind: NetworkKind) -> None:
        self._kind = kind
        self._networks: dict[int, tuple[nn.Module, torch.optim.Optimizer]] = {}
        self._inputs = torch.empty(0, device=kind.device)

    def prepare(self, passes: list[Pass]) -> None:
        """Make the tensors for the passes before the clock runs."""
        kind = self._kind
        for number in {each.network for each in passes if each.network is not None}:
            if number not in self._networks:
                network = kind.build()
                self._networks[number] = (network, build_optimizer(network, kind.protocol))
        largest = max((each.batch for each in passes), default=0)
        if largest > len(self._inputs):
            inputs = torch.randn(largest, *input_shape(kind.protocol), device=kind.device)
            if kind.channels_last and inputs.dim() == len(IMAGE_SHAPE) + 1:
                inputs = inputs.to(memory_format=torch.channels_last)
            self._inputs = inputs
            self._labels = torch.randint(NUM_CLASSES, (largest,), device=kind.device)

    def replay(self, passes: list[Pass]) -> float:
        """Run the passes: only forward, backward and optimizer steps; return the seconds."""
        wait_for(self._kind.device)
        began = time.perf_counter()
        pending: list[tuple[int, Tensor]] = []
        for each in passes:
            if each.network is None:
                # Some methods step two networks one after the other, others both at once. In
                # either case the first step after the passes does the work of all steps.
                self._learn(pending)
                pending.clear()
                continue
            network = self._networks[each.network][0]
            network.train(each.training)
            with torch.inference_mode(each.large), torch.set_grad_enabled(each.gradients):
                output = network(self._inputs[: each.batch])
            if each.gradients:
                pending.append((each.network, output))
        wait_for(self._kind.device)
        return time.perf_counter() - began

    def _learn(self, pending: list[tuple[int, Tensor]]) -> None:
        for number, logits in pending:
            optimizer = self._networks[number][1]
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(logits, self._labels[: len(logits)]).backward()
            optimizer.step()


def view_by_view(passes: list[Pass], size: int) -> list[Pass]:
    """The passes of reference implementations, which pass one view of `size` samples at a time."""
    unbatched = []
    for each in passes:
        guess = each.network is not None and not (each.training or each.gradients or each.large)
        parts = -(-each.batch // size) if guess else 1
        sizes = [each.batch // parts + (part < each.batch % parts) for part in range(parts)]
        unbatched += [replace(each, batch=part) for part in sizes]
    return unbatched
