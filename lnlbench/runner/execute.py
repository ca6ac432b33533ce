"""Execute one run: lock its directory, then assemble, train and evaluate it."""

import gc

from lnlbench.data.dataset import Dataset
from lnlbench.interface.method import Method
from lnlbench.plugins import Origin
from lnlbench.results import Result
from lnlbench.runner.assemble import assemble
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.freed_memory import return_freed_memory
from lnlbench.system.memory import reset_peak_memory


def execute(
    spec: RunSpec,
    method: type[Method],
    origin: Origin,
    dataset: Dataset,
    directory: RunDirectory,
    display: Display,
    options: RunOptions,
) -> Result:
    """Execute a run, or resume it from its checkpoint; a run that is done is not trained again.

    Raises:
        HeldError: another process executes the run.
        UsageError: the directory cannot be written, the data do not fit the spec, or the options
            ask for samples of a run that began without them.
        DataError: pretrained weights are damaged, or not the ones that the spec names.
        RunError: the disk is full or fails.
    """
    with directory.locked():
        # Another process may have ended this run since the caller looked.
        finished = None if options.overwrite else directory.finished_result()
        if finished is not None:
            return finished
        # An earlier run's objects refer to each other, so its arrays stay until they are collected.
        gc.collect()
        return_freed_memory()
        reset_peak_memory(options.device)
        return assemble(spec, method, dataset, directory, display, options).run(origin)
