"""Jobs of a sweep, one for each seed."""

from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.sweep.executor import Job


def make_jobs(folder, count, *first):
    """Jobs of one method for so many seeds; the seed is the last argument of each."""
    grid = Grid(method=["ce"], track=["digits"], seeds=list(range(count)))
    specs = expand([grid], load_plugins())
    return [
        Job(spec, RunDirectory.of_spec(folder, spec), (*first, str(spec.seed))) for spec in specs
    ]
