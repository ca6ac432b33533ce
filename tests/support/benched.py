"""Methods timed once, on a few random images."""

from lnlbench.bench.epoch_timer import Setting
from lnlbench.bench.timing import bench_method
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track

PROTOCOL = load_track("digits").protocol.model_copy(update={"batch_size": 16})
ONCE = Setting(samples=40, repeats=1)


def bench(method, setting=ONCE, **params):
    return bench_method(method(method.Params(**params)), PROTOCOL, setting, CPU)
