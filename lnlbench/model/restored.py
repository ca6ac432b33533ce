"""The trained method of a finished run, made again from the run's checkpoint."""

import shlex
import tempfile
from pathlib import Path

from lnlbench.errors import RunError, UsageError
from lnlbench.plugins import Plugins
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execution import Execution
from lnlbench.runner.finished import run_with_weights
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.options import RunOptions
from lnlbench.runner.prepare import prepare
from lnlbench.runner.record import Record
from lnlbench.spec.check import check_spec
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec, make_method


def restored_run(run: Path, plugins: Plugins, data: RunData, options: RunOptions) -> Execution:
    """A finished run with its trained method; trains nothing and leaves the run's files alone.

    Raises:
        UsageError: the run is not done, its weights are gone, or its data, its method, or the
            weights of a frozen network are not there.
        DataError: data or weights are damaged, or not those of the run.
        RunError: the checkpoint is damaged or does not fit.
    """
    spec = run_with_weights(run)[1]
    directory = RunDirectory(run)
    _check_complete(directory, spec, options)
    check_spec(plugins, spec)
    dataset, _ = data.load(spec.protocol, directory.read_locations())
    prepared = prepare(spec, dataset, options.device)
    inputs = build_inputs(prepared, options.weights)
    method = make_method(spec, plugins.method(spec.method))
    with tempfile.TemporaryDirectory(prefix="lnlbench-") as folder:
        # `fit` may write files, such as a trained mentor: the run has them already.
        place = RunDirectory(Path(folder))
        place.checkpoint_file = directory.checkpoint_file
        execution = Execution(prepared, inputs, method, place, QuietDisplay(), options)
        # It makes the networks, loads the checkpoint of the last epoch, and has no epoch left.
        status, error = execution.fit()
    if status != "done":
        raise RunError(f"The run in {run} could not be loaded: {error}")
    return execution


def _check_complete(directory: RunDirectory, spec: RunSpec, options: RunOptions) -> None:
    saved = load_checkpoint(directory.checkpoint_file, options.device)
    trained, wanted = Record.from_document(saved["record"]).epochs, spec.protocol.epochs
    if trained != wanted:
        again = shlex.join(["lnlbench", "run", "--resume", str(directory.path), "--overwrite"])
        raise UsageError(
            f"The weights in {directory.checkpoint_file} are those after {trained} of {wanted} "
            f"epochs, not those of the result. Train the run again: {again}"
        )
