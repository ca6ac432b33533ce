"""Results on disk: one JSON file per run, found by its fingerprint, safe against accidents."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from lnlbench.errors import DataError, RunError, UsageError, first_problem
from lnlbench.results.differences import describe_differences
from lnlbench.results.identity import run_identity
from lnlbench.results.schema import OFF_TRACK, Result
from lnlbench.system.atomic import explain_failure, write_atomically

# A thousand epochs of thirty curves are 1 MB.
_MAX_BYTES = 16 * 2**20
_SHOWN = 300
# Another process locks the store while it looks and writes: milliseconds, or seconds on slow disks.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class BadResult:
    """A file among the results that is not a valid result, or lies in the wrong place."""

    path: Path
    reason: str


def result_bytes(result: Result) -> bytes:
    """A result as its file holds it: JSON, sorted keys, indented by 2.

    Each list of the diagnostics takes one line: there are many, of small numbers.
    """
    document = result.model_dump(mode="json")
    diagnostics = document.get("diagnostics")
    if diagnostics is not None:
        document["diagnostics"] = None
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if diagnostics is not None:
        # No string of the document can hold this: in JSON, its line breaks are escaped.
        mark = '\n  "diagnostics": '
        text = text.replace(f"{mark}null", mark + _with_flat_lists(diagnostics, "  "), 1)
    return f"{text}\n".encode()


def _with_flat_lists(value: Any, indent: str) -> str:
    """JSON indented by 2, starting at `indent`; a list of plain values takes one line."""
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        lines = [f'"{key}": {_with_flat_lists(value[key], inner)}' for key in sorted(value)]
        return "{\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}}}"
    if isinstance(value, list) and isinstance(next(iter(value), None), dict):
        lines = [_with_flat_lists(each, inner) for each in value]
        return "[\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read_result(path: Path) -> Result:
    """Read and validate one result file; DataError says what is wrong with it."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise DataError(
                f"{path} is not a valid result: it has {size} bytes, and a result has at most "
                f"{_MAX_BYTES}"
            )
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        reason = first_problem(error)[:_SHOWN]
        raise DataError(f"{path} is not a valid result: {reason}") from error


class ResultStore:
    """The results below a folder: `results/<track>/<method>/<recipe>-seed<k>-<hash>.json`.

    Results that override their track lie in `results/off-track/<track>/…` instead.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "results"

    def path_for(self, result: Result) -> Path:
        """The path where a result belongs."""
        folder = self.folder / OFF_TRACK if result.off_track else self.folder
        name = _file_name(result.method.recipe, result.seed, result.fingerprint)
        return folder / result.track / result.method.name / name

    def find(
        self, fingerprint: str, *, track: str, method: str, recipe: str, seed: int
    ) -> Result | None:
        """The result of the run with this fingerprint, whatever its status.

        Opens only the files that can hold the result and lists no folder, so the time does not
        depend on the number of results. Raises DataError when such a file is broken: a run then
        fails before it starts, and not when it saves.
        """
        place = Path(track, method, _file_name(recipe, seed, fingerprint))
        for path in (self.folder / place, self.folder / OFF_TRACK / place):
            if not path.exists():
                continue
            try:
                result = read_result(path)
            except DataError as error:
                raise DataError(f"{error}. Delete it, and run the command again.") from error
            if result.fingerprint == fingerprint:
                return result
        return None

    def save(self, result: Result, overwrite: bool = False) -> Path:
        """Write a result and return its file; replaces a finished result only if told to.

        An unfinished result is always replaced. When several processes save at once, each sees
        what the earlier ones have saved. Raises UsageError when a finished result, or an unreadable
        file, has the same claim or place; RunError when another process locks the store for long;
        and the errors of `write_atomically`.
        """
        path = self.path_for(result)
        content = result_bytes(result)
        with self._locked():
            if path.exists() and path.read_bytes() == content:
                return path  # another process has saved the same run
            replaced = self._rivals(result, path, overwrite)
            write_atomically(path, content)
            for old in replaced:
                old.unlink(missing_ok=True)
        return path

    def load_all(self, track: str | None = None) -> tuple[list[Result], list[BadResult]]:
        """Every valid result in path order, off-track ones included, and every bad file.

        `track` limits both to one track. A file whose place does not match its content is bad.
        """
        folders = [self.folder]
        if track is not None:
            folders = [self.folder / track, self.folder / OFF_TRACK / track]
        results, bad = [], []
        for path in sorted(path for folder in folders for path in folder.rglob("*.json")):
            if path.is_fifo():  # reading it would wait for a writer
                reason = f"{path} is not a valid result: it is a pipe, not a file"
                bad.append(BadResult(path, reason))
                continue
            try:
                result = read_result(path)
            except DataError as error:
                bad.append(BadResult(path, str(error)))
                continue
            if path == self.path_for(result):
                results.append(result)
            else:
                home = self.path_for(result)
                bad.append(BadResult(path, f"{path} holds the result that belongs at {home}"))
        return results, bad

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the store, so that no other process writes between the look and the write."""
        lock = FileLock(self.root / ".lock", timeout=_PATIENCE_SECONDS)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise RunError(
                f"Cannot write to {self.root}: another process has held {lock.lock_file} for "
                f"{_PATIENCE_SECONDS:.0f} s. Stop it, and run the command again."
            ) from error
        except OSError as error:
            raise explain_failure(self.root, error) from error
        try:
            yield
        finally:
            lock.release()

    def _rivals(self, result: Result, path: Path, overwrite: bool) -> list[Path]:
        pattern = f"{result.method.recipe}-seed{result.seed}-*.json"
        rivals = []
        for other_path in sorted(path.parent.glob(pattern)):
            try:
                other = read_result(other_path)
            except DataError as error:
                if other_path == path and not overwrite:
                    raise UsageError(f"{error}. Delete it, or pass --overwrite.") from error
                continue
            if run_identity(other) != run_identity(result):
                continue
            if other.status == "done" and not overwrite:
                raise UsageError(
                    f"{other_path} already holds this run's finished result; "
                    f"{describe_differences(other, result)}. Pass --overwrite to replace it."
                )
            if other_path != path:
                rivals.append(other_path)
        return rivals


def _file_name(recipe: str, seed: int, fingerprint: str) -> str:
    return f"{recipe}-seed{seed}-{fingerprint[:8]}.json"
