"""The results of a sweep's store, and the copy of them below the output folder."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from lnlbench.errors import DataError, UsageError
from lnlbench.results import Result, ResultStore
from lnlbench.results.differences import describe_differences
from lnlbench.results.schema import OFF_TRACK
from lnlbench.results.store import read_result
from lnlbench.spec.run_spec import RunSpec
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.object_store import ObjectStore, StoreError


class StoreResults:
    """Pulls results before a sweep, and pushes each new one; calls `say` with what goes wrong.

    A finished result is never replaced, neither in the store nor in the output folder.
    """

    def __init__(
        self, store: ObjectStore, lease: Lease, output: Path, say: Callable[[str], None]
    ) -> None:
        self._store = store
        self._lease = lease
        self._output = output
        self._local = ResultStore(output / "leaderboards")
        self._say = say
        self._there: set[str] = set()
        self._unpushed: list[Path] = []
        self._conflicts = 0

    def pull(self, tracks: Iterable[str]) -> None:
        """Copy the store's results of these tracks into the output folder.

        Raises:
            UsageError: both sides have a finished result of one run, with different contents.
            StoreError: the store cannot be read.
        """
        folder = self._name(self._local.folder)
        places = [f"{folder}/{part}{track}" for track in tracks for part in ("", f"{OFF_TRACK}/")]
        names = [name for place in places for name in self._store.names(place)]
        for name, data in self._store.read_all([each for each in names if each.endswith(".json")]):
            result = _parsed(data)
            if result is None or self._name(self._local.path_for(result)) != name:
                self._say(
                    f"{self._store.url_of(name)} is not a result that belongs there: left out."
                )
            else:
                self._there.add(name)
                self._keep(result, self._store.url_of(name))

    def push_missing(self, done: Iterable[RunSpec]) -> None:
        """Push results of these runs that the store did not have when they were pulled."""
        for spec in done:
            names = {"track": spec.track, "method": spec.method, "recipe": spec.recipe}
            result = self._local.find(spec.fingerprint, **names, seed=spec.seed)
            if result is not None and self._name(self._local.path_for(result)) not in self._there:
                self.push(self._local.path_for(result))

    def add(self, result: Result) -> None:
        """Keep and push a result of this sweep; its run may have stored it only elsewhere."""
        try:
            file = self._keep(result, "This run")
        except UsageError as error:
            self._conflicts += 1
            self._say(str(error))
        else:
            self.push(file)

    def push(self, file: Path) -> None:
        """Copy a result to the store, or remember to do it later if the store cannot be reached.

        Raises:
            RunError: the lease is lost.
        """
        name, data = self._name(file), file.read_bytes()
        try:
            self._lease.verify()
            there = self._store.read(name)
            known = None if there is None else _parsed(there)
            if known is None or known.status != "done":
                self._store.write(name, data)
            elif known != (here := read_result(file)):
                self._conflicts += 1
                place = self._store.url_of(name)
                self._say(_conflict(place, known, str(file), here))
        except StoreError as error:
            self._unpushed.append(file)
            self._say(f"{error} The result stays in {file}; the sweep tries again at the end.")

    def finish(self) -> bool:
        """Retry the results that could not be pushed; returns whether the store has all now."""
        files, self._unpushed = self._unpushed, []
        for file in files:
            self.push(file)
        if self._unpushed:
            self._say(
                f"{len(self._unpushed)} results are only in {self._output}: the same command "
                f"brings them to {self._store.url}."
            )
        return not self._unpushed and not self._conflicts

    def _keep(self, result: Result, source: str) -> Path:
        """Write a result below the output folder, unless it or a finished one is there already."""
        file = self._local.path_for(result)
        try:
            here = read_result(file) if file.exists() else None
        except DataError as error:
            raise DataError(f"{error}. Delete it, and run the command again.") from error
        finished = here is not None and here.status == "done"
        if here == result or (finished and result.status != "done"):
            return file
        if here is not None and finished:
            raise UsageError(_conflict(str(file), here, source, result))
        try:
            return self._local.save(result)
        except UsageError as error:
            if result.status != "done":
                return file
            raise UsageError(f"{source} cannot be kept in {self._output}: {error}") from error

    def _name(self, file: Path) -> str:
        return file.relative_to(self._output).as_posix()


def _parsed(data: bytes) -> Result | None:
    try:
        return Result.model_validate_json(data)
    except ValidationError:
        return None


def _conflict(place: str, known: Result, other_place: str, other: Result) -> str:
    return (
        f"{place} and {other_place} hold different finished results of one run: "
        f"{describe_differences(known, other)}. Both are left as they are. "
        "Remove the one that is wrong, and run the command again."
    )
