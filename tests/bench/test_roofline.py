"""The work of a floor, counted in another way, and its time beside plain products and copies."""

import time

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from lnlbench.bench.data import FEATURES, NUM_CLASSES
from lnlbench.bench.epoch_timer import Setting
from lnlbench.bench.floor import Floor, NetworkKind, Pass
from lnlbench.bench.roofline import measure, work_of
from lnlbench.bench.table import print_timings
from lnlbench.bench.timing import bench_method
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.networks.heads import HIDDEN
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track

HEADS = NetworkKind(load_track("cifar100n-embedding").protocol, "fp32", CPU)
IMAGES = NetworkKind(load_track("cifar100n-scratch").protocol, "fp32", CPU)
LEARN = Pass(0, 8, training=True, gradients=True)
GUESS = Pass(0, 8, training=True)
DIVIDE = Pass(0, 8, large=True)
STEP = Pass(None)
FIRST, LAST = FEATURES * HIDDEN, HIDDEN * NUM_CLASSES


def test_a_step_of_a_head_is_five_products():
    # The features need no gradient, so the first layer has one product less than the last one.
    assert work_of(HEADS, [LEARN, STEP]).flops == 2 * 8 * (2 * FIRST + 3 * LAST)


@pytest.mark.parametrize("each", [GUESS, DIVIDE])
def test_a_pass_without_gradients_is_one_product_a_layer(each):
    assert work_of(HEADS, [each]).flops == 2 * 8 * (FIRST + LAST)


def test_work_adds_up_over_passes_and_networks():
    one = work_of(HEADS, [LEARN, STEP])
    other = Pass(1, 8, training=True, gradients=True)
    three = work_of(HEADS, [LEARN, STEP, LEARN, STEP, other, STEP])
    assert three.flops == 3 * one.flops
    assert three.product_bytes == 3 * one.product_bytes
    assert three.other_bytes == 3 * one.other_bytes


def test_convolutions_count_as_torch_counts_them():
    network = IMAGES.build()
    images = torch.randn(8, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        cross_entropy(network(images), torch.zeros(8, dtype=torch.int64)).backward()
    assert work_of(IMAGES, [LEARN, STEP]).flops == counter.get_total_flops()


def test_an_optimizer_reads_and_writes_its_parameters_and_their_moments():
    parameters = FIRST + HIDDEN + LAST + NUM_CLASSES
    moved = work_of(HEADS, [LEARN, STEP]).other_bytes - work_of(HEADS, [GUESS]).other_bytes
    # Adam reads a parameter, its gradient and two moments; it writes all but the gradient.
    assert moved > 7 * 4 * parameters


def test_processor_time_that_no_product_explains_raises_the_ratio(monkeypatch):
    passes = [Pass(0, 256, training=True, gradients=True), STEP] * 4
    plain = measure(HEADS, Floor(HEADS), passes)
    replay = Floor.replay

    def slow(self, passes):
        began = time.process_time()
        seconds = replay(self, passes)
        end = time.process_time() + 3 * (time.process_time() - began)
        while time.process_time() < end:
            pass
        return seconds

    monkeypatch.setattr(Floor, "replay", slow)
    slowed = measure(HEADS, Floor(HEADS), passes)
    assert slowed.ratio_to_limit > 2 * plain.ratio_to_limit > 0
    assert slowed.flops == plain.flops


def test_passes_without_a_product_have_no_limit():
    assert measure(HEADS, Floor(HEADS), []) is None


def test_the_table_fits_a_terminal_of_80_columns(capsys):
    timing = bench_method(CrossEntropy(CrossEntropy.Params()), HEADS.protocol, Setting(40, 1), CPU)
    assert timing.roofline.bytes > timing.roofline.flops / 1000
    print_timings([[timing]])
    lines = capsys.readouterr().out.splitlines()
    [heading] = [line for line in lines if "floor × limit" in line]
    assert len(heading) <= 80
    assert f"{timing.roofline.ratio_to_limit:.2f}" in lines[lines.index(heading) + 1]
