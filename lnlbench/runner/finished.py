"""Finished runs: the result in a run's directory, or what to do to get one."""

import shlex
from pathlib import Path

from lnlbench.errors import DataError, UsageError
from lnlbench.results.schema import Result
from lnlbench.results.store import read_result
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.run_spec import RunSpec


def finished_run(path: Path) -> Result:
    """The result of the run in a directory.

    Raises:
        UsageError: it is not the directory of a run, or the run is not done.
        DataError: the result's file is damaged.
    """
    if not (path / "spec.json").is_file():
        raise _wrong_folder(path, "not a run directory", "no spec.json")
    again = f"`{shlex.join(['lnlbench', 'run', '--resume', str(path)])}` resumes it."
    file = path / "result.json"
    if not file.exists():
        raise UsageError(f"The run in {path} is not finished: it has no result.json. {again}")
    try:
        result = read_result(file)
    except DataError as error:
        raise DataError(f"{error}. Delete it; {again}") from error
    if result.status != "done":
        raise UsageError(f"The run in {path} has no result: it {_ended(result)}. {again}")
    return result


def run_with_weights(run: Path) -> tuple[Result, RunSpec]:
    """The result and the spec of a finished run whose weights are still there.

    The caller has looked for an audit already, so the message about a wrong folder names both.

    Raises:
        UsageError: it is not the directory of a run, the run is not done, or its weights are gone.
        DataError: the result's file is damaged.
    """
    if not (run / "spec.json").is_file():
        raise _wrong_folder(
            run,
            "neither the directory of a run nor the folder of an audit",
            "neither spec.json nor an audit's summary.json",
            ", or that 'lnlbench audit' wrote",
        )
    result = finished_run(run)
    directory = RunDirectory(run)
    spec = directory.read_spec()
    again = shlex.join(["lnlbench", "run", "--resume", str(run), "--overwrite"])
    if spec.fingerprint != result.fingerprint:
        raise UsageError(
            f"{directory.spec_file} and {directory.result_file} are of different runs. Train this "
            f"one again: {again}"
        )
    if not directory.checkpoint_file.is_file():
        raise UsageError(
            f"The run in {run} is done, but its weights are gone: there is no "
            f"{directory.checkpoint_file}. Put it back, or train the run again: {again}"
        )
    return result, spec


def _wrong_folder(path: Path, verdict: str, lacking: str, other: str = "") -> UsageError:
    missing = f"it holds {lacking}" if path.is_dir() else "there is no such directory"
    return UsageError(
        f"{path} is {verdict}: {missing}. Give a directory that 'lnlbench run' printed, for "
        f"example runs/digits/ce/matched-seed0-1a2b3c4d{other}.{_below(path)}"
    )


def _below(path: Path) -> str:
    """A hint at a run further down, for a user who named a folder above it, such as runs/."""
    found: list[Path] = []
    for pattern in ("*/spec.json", "*/*/spec.json", "*/*/*/spec.json", "runs/*/*/*/spec.json"):
        found = found or sorted(spec.parent for spec in path.glob(pattern))
    return f" Below it is {found[0]}." if found else ""


def _ended(result: Result) -> str:
    verb = {"diverged": "diverged", "failed": "failed"}.get(result.status, "was interrupted")
    return f"{verb} ({(result.error or '')[:200]})"
