"""Recording a run whose process could not do so itself: killed, crashed, or over a limit."""

from pathlib import Path

import torch

from lnlbench.data.load import load_dataset
from lnlbench.errors import LnlbenchError
from lnlbench.interface.params import validate_params
from lnlbench.plugins import Plugins
from lnlbench.results import Result, ResultStore
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.environment import describe_environment
from lnlbench.runner.pinned_data import load_pinned
from lnlbench.runner.prepare import prepare
from lnlbench.runner.record import Record
from lnlbench.runner.report import build_result
from lnlbench.spec.provided import ProvidedData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.text import printable


def record_failure(
    spec: RunSpec, plugins: Plugins, output: Path, data_dir: Path | None, device: str, error: str
) -> Path:
    """Store a `failed` result with what the checkpoint knows of the run; returns its file.

    The checkpoint stays, so that running the spec again goes on from there.

    Raises:
        LnlbenchError: the data cannot be read, the disk is full, or another process runs the spec.
    """
    directory = RunDirectory.of_spec(output, spec)
    with directory.locked():
        where = resolve_device(device)
        name, pinned = spec.protocol.dataset, spec.protocol.data
        if pinned is None:
            dataset = load_dataset(name, data_dir)
        else:
            dataset = load_pinned(name, pinned, directory, ProvidedData(plugins.datasets, {}))
        prepared = prepare(spec, dataset, where)
        method = plugins.method(spec.method)
        result = build_result(
            prepared,
            method(validate_params(method.name, method.Params, spec.params)),
            plugins.origins[spec.method],
            _record(directory, prepared.device),
            describe_environment(prepared.device, prepared.precision),
            "failed",
            printable(error),
        )
        # The peak is this process's own, and says nothing of the run's.
        cost = result.cost.model_copy(update={"peak_memory_bytes": None})
        result = Result.model_validate({**result.model_dump(), "cost": cost.model_dump()})
        directory.write_result(result)
        return ResultStore(output / "leaderboards").save(result)


def _record(directory: RunDirectory, device: torch.device) -> Record:
    try:
        saved = load_checkpoint(directory.checkpoint_file, device)
    except LnlbenchError:
        return Record()
    return Record.from_document(saved["record"])
