"""The moving average of weights against its recurrence, and what becomes of buffers."""

import pytest
import slow_methods as slow
import torch
from torch import nn

from lnlbench.pieces.averaging import move_average, update_average


@pytest.mark.parametrize("buffers", ["averaged", "copied", "kept"])
@pytest.mark.parametrize("decay", [0.2, 0.999])
def test_the_average_of_weights_follows_the_recurrence(buffers, decay):
    network, average = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    values = [5.0, 1.0, -2.0, 0.5, 7.0]
    for step, value in enumerate(values):
        with torch.no_grad():
            network.weight.fill_(value)
            network.running_mean.fill_(10 * value)
            network.num_batches_tracked.fill_(step)
        update_average(average, network, step, decay, buffers)
    mean = slow.averaged(values, decay)
    assert average.weight.item() == pytest.approx(mean, rel=1e-5)
    # The first update copies everything; "kept" leaves the buffers there.
    expected = {"averaged": (10 * mean, 4), "copied": (10 * values[-1], 4), "kept": (50.0, 0)}
    running_mean, count = expected[buffers]
    assert average.running_mean.item() == pytest.approx(running_mean, rel=1e-5)
    assert average.num_batches_tracked == count


@pytest.mark.parametrize(
    ("buffers", "mean", "count"), [("kept", 0.0, 0), ("copied", 1.0, 5), ("averaged", 0.1, 5)]
)
def test_buffers_are_kept_copied_or_averaged(buffers, mean, count):
    average, network = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    network.weight.data += 1
    network.running_mean += 1
    network.num_batches_tracked.fill_(5)
    move_average(average, network, 0.9, buffers)
    assert average.weight.tolist() == pytest.approx([1.1, 1.1])
    assert average.running_mean.tolist() == pytest.approx([mean, mean])
    assert average.num_batches_tracked == count
