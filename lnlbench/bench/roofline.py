"""The floor beside its machine: plain matrix products and copies of the same sizes."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lnlbench.bench.floor import Floor, NetworkKind, Pass
from lnlbench.runner.devices import wait_for

Shape = tuple[int, int, int]  # [m, k] times [k, n]

_REPEATS = 5
_SMALLEST_SHARE = 0.01  # products of less work than this are not timed, but taken for the average
_LARGEST_COPY = 2**28  # bytes
_NO_STEP = Pass(None)


@dataclass(frozen=True)
class Roofline:
    """A floor's work, and its seconds beside those of plain products and copies.

    `bytes` is what all operators read and write. `limit_seconds` is the time of the products, and
    of copies of as many bytes as the other operators read and write. On a CPU seconds are processor
    time, summed over threads, so that other programs do not matter much.
    """

    flops: float
    bytes: float
    seconds: float
    limit_seconds: float
    product_flops_per_second: float
    copy_bytes_per_second: float

    @property
    def ratio_to_limit(self) -> float:
        """How many times its limit the floor takes."""
        return self.seconds / self.limit_seconds

    @property
    def flops_per_second(self) -> float:
        """The rate that the floor reaches."""
        return self.flops / self.seconds


@dataclass
class Work:
    """Matrix products by shape, and bytes and number of the other operators."""

    products: Counter[Shape] = field(default_factory=Counter)
    product_bytes: float = 0.0
    other_bytes: float = 0.0
    others: int = 0

    @property
    def flops(self) -> float:
        """A multiplication and an addition for each term of a product."""
        return float(sum(count * _flops(shape) for shape, count in self.products.items()))

    def add(self, other: "Work", times: int) -> None:
        """Add work that was done several times."""
        for shape, count in other.products.items():
            self.products[shape] += times * count
        self.product_bytes += times * other.product_bytes
        self.other_bytes += times * other.other_bytes
        self.others += times * other.others


class _Recorder(TorchDispatchMode):
    """Notes the work of each operator that runs meanwhile, also in a backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func.is_view:
            return output
        written = tree_leaves(output) or [
            value
            for value, argument in zip(args, func._schema.arguments, strict=False)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        tensors = [each for each in tree_leaves([args, kwargs, written]) if _is_tensor(each)]
        moved = sum(each.numel() * each.element_size() for each in tensors)
        products = list(_products(func, args, output))
        self.work.products.update(products)
        if products:
            self.work.product_bytes += moved
        else:
            self.work.other_bytes += moved
            self.work.others += 1
        return output


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _products(func: Any, args: Sequence[Any], output: Any) -> Iterator[Shape]:
    """The matrix products that an operator makes; a convolution is one of unfolded images."""
    aten = torch.ops.aten
    if func in (aten.mm.default, aten.addmm.default):
        left, right = args[-2:]
        yield left.shape[0], left.shape[1], right.shape[1]
    elif str(func) == "mkldnn._linear_pointwise.default":  # lnlbench.networks.onednn_linear
        left, right = args[:2]
        yield left.shape[0], left.shape[1], right.shape[0]
    elif func is aten.convolution.default:
        yield from _convolved(output.shape, args[1].shape, args[8])
    elif func is aten.convolution_backward.default:
        for_input, for_weight, _ = args[10]
        for places, inputs, outputs in _convolved(args[0].shape, args[2].shape, args[9]):
            if for_input:
                yield places, outputs, inputs
            if for_weight:
                yield inputs, places, outputs


def _convolved(output: torch.Size, weight: torch.Size, groups: int) -> list[Shape]:
    places = output.numel() // output[1]
    return [(places, weight[1:].numel(), weight[0] // groups)] * groups


def measure(kind: NetworkKind, floor: Floor, passes: list[Pass]) -> Roofline | None:
    """Time a floor's passes, and then plain products and copies of their sizes.

    The result is None if the passes make no product.
    """
    work = work_of(kind, passes)
    if not work.flops:
        return None
    floor.prepare(passes)
    seconds = _seconds(lambda: floor.replay(passes), kind.device, repeats=1)
    dtype = torch.bfloat16 if kind.precision == "bf16" else torch.float32
    product_rate = _product_rate(work, dtype, kind.device)
    copy_rate = _copy_rate(work, kind.device)
    return Roofline(
        flops=work.flops,
        bytes=work.product_bytes + work.other_bytes,
        seconds=seconds,
        limit_seconds=work.flops / product_rate + work.other_bytes / copy_rate,
        product_flops_per_second=product_rate,
        copy_bytes_per_second=copy_rate,
    )


def work_of(kind: NetworkKind, passes: list[Pass]) -> Work:
    """The work of passes; each kind of pass runs once, uncompiled."""
    floor = Floor(replace(kind, compiled=False))
    floor.prepare(passes)
    total = Work()
    # In inference mode operators are seen as a whole, and not as the products that they make.
    kinds = Counter(replace(each, network=0, large=False) for each in passes if each != _NO_STEP)
    known = next((each.network for each in passes if each != _NO_STEP), None)
    for each, times in kinds.items():
        with _Recorder() as recorder:
            floor.replay([replace(each, network=known), _NO_STEP])
        total.add(recorder.work, times)
    return total


def _flops(shape: Shape) -> int:
    rows, inner, columns = shape
    return 2 * rows * inner * columns


def _product_rate(work: Work, dtype: torch.dtype, device: torch.device) -> float:
    """FLOP per second of plain products of these shapes, each as often as it occurs."""
    least = _SMALLEST_SHARE * work.flops
    flops = seconds = 0.0
    for shape, count in work.products.items():
        if count * _flops(shape) >= least:
            flops += count * _flops(shape)
            seconds += count * _product_seconds(shape, dtype, device)
    return flops / seconds


def _product_seconds(shape: Shape, dtype: torch.dtype, device: torch.device) -> float:
    """The time of one product, by the faster of the libraries that make products."""
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device, dtype=dtype)
    right = torch.randn(columns, inner, device=device, dtype=dtype)
    out = torch.empty(rows, columns, device=device, dtype=dtype)
    seconds = _seconds(lambda: torch.mm(left, right.t(), out=out), device)
    if device.type == "cpu" and dtype == torch.float32 and torch.backends.mkldnn.is_available():
        # torch.mm calls MKL. On a CPU that is not Intel's, oneDNN can be twice as fast.
        packed = left.to_mkldnn()
        seconds = min(seconds, _seconds(lambda: linear(packed, right), device))
    return seconds


def _copy_rate(work: Work, device: torch.device) -> float:
    """Bytes read and written per second by copies as large as the average operator."""
    moved = min(_LARGEST_COPY, work.other_bytes / max(1, work.others))
    source = torch.ones(max(1, int(moved / 8)), device=device)  # half of it is read, half written
    target = torch.empty_like(source)
    return 8 * len(source) / _seconds(lambda: target.copy_(source), device)


def _seconds(work: Callable[[], object], device: torch.device, repeats: int = _REPEATS) -> float:
    """The median time of one call: on a CPU processor time, else the time that passed."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    if repeats > 1:
        work()  # the first call allocates
    times = []
    for _ in range(repeats):
        wait_for(device)
        began = clock()
        work()
        wait_for(device)
        times.append(clock() - began)
    return statistics.median(times)
