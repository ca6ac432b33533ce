"""A run's directory: spec, checkpoint, result, and the lock that keeps other processes out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lnlbench.errors import DataError, UsageError
from lnlbench.results import Result
from lnlbench.results.store import read_result, result_bytes
from lnlbench.runner.lock import take_directory
from lnlbench.spec.run_spec import RunSpec, parse_spec
from lnlbench.system.atomic import remove_unfinished, write_atomically
from lnlbench.system.documents import parse_json, read_text


class RunDirectory:
    """The files of one run, below `<output>/runs/<track>/<method>/`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec_file = path / "spec.json"
        self.checkpoint_file = path / "checkpoint"
        self.result_file = path / "result.json"
        self.error_file = path / "error.txt"
        self.samples_file = path / "samples.parquet"
        self.data_file = path / "data.json"

    @classmethod
    def of_spec(cls, output: Path, spec: RunSpec) -> "RunDirectory":
        """The directory of a spec's run; its name ends in the spec's fingerprint."""
        name = f"{spec.recipe}-seed{spec.seed}-{spec.fingerprint[:8]}"
        return cls(output / "runs" / spec.track / spec.method / name)

    @classmethod
    def find(cls, path: Path) -> list["RunDirectory"]:
        """The run at `path`, or the runs below it.

        Raises:
            UsageError: there is no run.
        """
        specs = [path / "spec.json"] if (path / "spec.json").is_file() else path.rglob("spec.json")
        # A spec in another place is a copy, and its run would write to an unexpected folder.
        found = [cls(spec.parent) for spec in sorted(specs) if _is_run(spec.parent)]
        if not found:
            missing = "it holds no spec.json of a run" if path.exists() else "it does not exist"
            raise UsageError(
                f"{path} is not a run directory: {missing}. Give the directory that "
                "'lnlbench run' printed, for example runs/digits/ce/matched-seed0-1a2b3c4d; "
                "a spec file on its own is executed with --spec."
            )
        return found

    def write_spec(self, spec: RunSpec, locations: Mapping[str, str] | None = None) -> None:
        """Write the spec that makes this directory a run, and where a plugin finds its data."""
        if locations:
            self.write_locations(locations)
        write_atomically(self.spec_file, (spec.model_dump_json(indent=2) + "\n").encode())

    def read_spec(self) -> RunSpec:
        """The run's spec; UsageError when it is damaged."""
        try:
            text = read_text(self.spec_file)
        except (OSError, ValueError) as error:
            raise UsageError(f"Cannot read the run spec {self.spec_file}: {error}.") from error
        return parse_spec(text, str(self.spec_file))

    def write_locations(self, locations: Mapping[str, str]) -> None:
        """Remember where a plugin found its data, because the spec does not name the place."""
        write_atomically(self.data_file, (json.dumps(dict(locations)) + "\n").encode())

    def read_locations(self) -> dict[str, str]:
        """Where a plugin found the run's data last time; empty if that is unknown."""
        try:
            locations = parse_json(read_text(self.data_file))
        except (OSError, ValueError):
            return {}
        return locations if isinstance(locations, dict) else {}

    def write_result(self, result: Result) -> None:
        """Write the run's own copy of its result."""
        write_atomically(self.result_file, result_bytes(result))

    def finished_result(self) -> Result | None:
        """The result, if the run is done; DataError when its file is damaged."""
        if not self.result_file.exists():
            return None
        try:
            result = read_result(self.result_file)
        except DataError as error:
            raise DataError(f"{error}. Delete it, and run the command again.") from error
        return result if result.status == "done" else None

    def clear(self) -> None:
        """Remove the files of an earlier attempt, so that the run starts anew."""
        artifacts = self.path.glob("*.safetensors")
        files = (self.checkpoint_file, self.result_file, self.error_file, self.samples_file)
        for file in (*files, *artifacts):
            file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory; the system releases the lock if the process is killed.

        Raises:
            HeldError: another process runs here.
            UsageError: the directory cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = take_directory(self.path)
        except OSError as error:
            raise UsageError(
                f"Cannot write to {self.path}: {error.strerror}. "
                "Make it writable, or choose another place with --output."
            ) from error
        try:
            remove_unfinished(self.path)
            yield
        finally:
            lock.release()


def _is_run(path: Path) -> bool:
    """Whether a folder lies where `RunDirectory.of_spec` puts runs."""
    above = path.resolve().parents
    return len(above) > 3 and above[2].name == "runs"


def resumable(path: Path) -> tuple[list[RunSpec], Path]:
    """The specs of the run at `path`, or of the runs below it, and their output folder.

    Raises:
        UsageError: there is no run, or the runs belong to several output folders.
    """
    directories = RunDirectory.find(path)
    # <output>/runs/<track>/<method>/<run>
    outputs = sorted({directory.path.resolve().parents[3] for directory in directories})
    if len(outputs) > 1:
        raise UsageError(
            f"The runs below {path} belong to {len(outputs)} output folders, such as {outputs[0]} "
            f"and {outputs[1]}. Give --resume a folder with the runs of one of them."
        )
    return [directory.read_spec() for directory in directories], outputs[0]
