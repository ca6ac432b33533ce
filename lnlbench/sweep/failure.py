"""Record the failure of a run whose process could not: it was killed, crashed, or hit a limit."""

from pathlib import Path

import torch

from lnlbench.errors import LnlbenchError
from lnlbench.plugins import Plugins
from lnlbench.results import Result, ResultStore
from lnlbench.runner.assemble import find_data
from lnlbench.runner.build_result import build_result
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.environment import describe_environment
from lnlbench.runner.prepare import prepare
from lnlbench.runner.record import Record
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec, make_method
from lnlbench.system.text import printable


def record_failure(
    spec: RunSpec, plugins: Plugins, output: Path, data: RunData, device: str, error: str
) -> Path:
    """Store a `failed` result with what the checkpoint knows about the run; returns its file.

    The checkpoint stays, so running the spec again resumes the run.

    Raises:
        LnlbenchError: the data cannot be read, the disk is full, or another process runs the spec.
    """
    directory = RunDirectory.of_spec(output, spec)
    with directory.locked():
        prepared = prepare(spec, find_data(spec, directory, data), resolve_device(device))
        result = build_result(
            prepared,
            make_method(spec, plugins.method(spec.method)),
            plugins.origins[spec.method],
            _record(directory, prepared.device),
            describe_environment(prepared.device, prepared.precision),
            "failed",
            printable(error),
        )
        # The measured peak is this process's own and not the run's.
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
