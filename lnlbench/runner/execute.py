"""A run from its spec on: its directory locked, its data prepared, then executed."""

import gc

import torch

from lnlbench.data.dataset import Dataset
from lnlbench.errors import UsageError
from lnlbench.interface.method import Method
from lnlbench.interface.params import validate_params
from lnlbench.networks.weights import WeightSources
from lnlbench.plugins import Origin
from lnlbench.results import Result
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.loop import Execution
from lnlbench.runner.observers import Observers
from lnlbench.runner.prepare import prepare
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.memory import reset_peak_memory


def execute(
    spec: RunSpec,
    method: type[Method],
    origin: Origin,
    dataset: Dataset,
    directory: RunDirectory,
    display: Display,
    device: torch.device,
    anew: bool = False,
    weights: WeightSources | None = None,
    samples: bool = False,
    compiled: bool = False,
    observers: Observers | None = None,
) -> Result:
    """Execute a run, or go on with it where its checkpoint stands unless it is to start `anew`.

    `weights` says where those of a pretrained backbone come from, unless embeddings are cached.
    `samples` asks for samples.parquet, `compiled` for networks run through torch.compile;
    `observers` are told what happens.

    Raises:
        HeldError: another process executes the run.
        UsageError: the directory cannot be written, the data do not fit the spec, or
            `samples` are asked of a run that has begun without them.
        RunError: the disk is full or fails.
    """
    with directory.locked():
        params = validate_params(method.name, method.Params, spec.params)
        # An earlier run's objects refer to each other: until collected, its arrays stay.
        gc.collect()
        reset_peak_memory(device)
        prepared = prepare(spec, dataset, device, compiled)
        inputs = build_inputs(prepared, weights or WeightSources())
        prepared = prepared.with_notes(inputs.notes)
        if anew:
            directory.clear()
        elif samples:
            _check_watched(directory, device)
        directory.write_spec(spec)
        return Execution(
            prepared, inputs, method(params), directory, display, samples, observers
        ).run(origin)


def _check_watched(directory: RunDirectory, device: torch.device) -> None:
    file = directory.checkpoint_file
    if file.exists() and load_checkpoint(file, device).get("samples") is None:
        raise UsageError(
            f"The run in {directory.path} began without --samples, and nobody has watched the "
            "samples in the epochs that it has behind it. Go on without --samples, or begin anew "
            "with --overwrite."
        )
