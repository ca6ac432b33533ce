"""Run a result's spec again, to compare the new numbers with those in the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from pydantic import ValidationError

from lnlbench.errors import UsageError, first_problem
from lnlbench.plugins import Plugins
from lnlbench.results import Result
from lnlbench.runner.assemble import find_data
from lnlbench.runner.devices import was_compiled
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.check import check_spec
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.temporary import temporary_folder


def spec_to_repeat(file: Path, result: Result, plugins: Plugins) -> RunSpec:
    """The spec of a finished result whose run can be repeated here.

    Raises:
        UsageError: the run is not finished, or this version cannot read or execute its spec.
        DataError: an artifact is damaged.
    """
    if result.status != "done":
        raise UsageError(
            f"The run of {file} ({result.method.name} on {result.track} with seed {result.seed}) "
            f"is {result.status!r}: there is no finished result to compare with."
        )
    try:
        spec = RunSpec.model_validate(result.spec)
    except ValidationError as error:
        raise UsageError(
            f"The spec in {file} is not a run spec: {first_problem(error)}. Verify it with the "
            f"version of lnlbench that wrote it: {result.environment.get('lnlbench', 'unknown')}."
        ) from error
    check_spec(plugins, spec)
    return spec


def run_again(
    file: Path,
    spec: RunSpec,
    result: Result,
    plugins: Plugins,
    data: RunData,
    options: RunOptions,
    display: Display,
) -> Result:
    """Run a result's spec again, in a folder that is removed afterwards.

    `file` is the result's file; the run's directory near it says where a plugin found its data.

    The new run uses as many threads as the old one, and compiled networks if the old one did,
    because both change the last digits.

    Raises:
        DataError: the data are damaged, or not the ones of the spec.
    """
    method = plugins.method(spec.method)
    with temporary_folder("lnlbench-verify-") as folder, _threads(result):
        directory = RunDirectory.of_spec(folder, spec)
        if spec.protocol.data is not None:
            directory.write_locations(_remembered(file, spec))
        return execute(
            spec,
            method,
            plugins.origins[spec.method],
            find_data(spec, directory, data),
            directory,
            display,
            replace(options, compiled=was_compiled(result.environment)),
        )


def _remembered(file: Path, spec: RunSpec) -> dict[str, str]:
    """Where the data of a result's run lay; empty if its directory is not in the output folder."""
    outputs = [each.parent for each in file.absolute().parents if each.name == "leaderboards"]
    return RunDirectory.of_spec(outputs[0], spec).read_locations() if outputs else {}


@contextmanager
def _threads(result: Result) -> Iterator[None]:
    recorded, now = result.environment.get("threads"), torch.get_num_threads()
    if isinstance(recorded, int) and recorded > 0:
        torch.set_num_threads(recorded)
    try:
        yield
    finally:
        torch.set_num_threads(now)
