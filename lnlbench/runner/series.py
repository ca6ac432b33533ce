"""Execute several runs in a row: only the missing ones, and store each result at once."""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lnlbench.errors import UsageError
from lnlbench.plugins import Plugins
from lnlbench.plugins.method_source import source_sha256
from lnlbench.results import Result, ResultStore
from lnlbench.runner.assemble import find_data
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display, LiveDisplay, PlainDisplay, QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.runner.samples import require_pyarrow
from lnlbench.spec.check import check_spec
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.console import Console


@dataclass(frozen=True)
class Outcome:
    """The result of one spec, and its files.

    `kept` is the file of an earlier finished result: lnlbench keeps it when this run is unfinished.
    `line` says how the run ended.
    """

    result: Result
    directory: Path
    result_file: Path
    kept: Path | None = None
    line: str = ""

    @property
    def finished(self) -> bool:
        """Whether the run is done."""
        return self.result.status == "done"


class Series:
    """Runs in a row that share plugins, output folder, options, and data in memory."""

    def __init__(self, plugins: Plugins, output: Path, data: RunData, options: RunOptions) -> None:
        if options.samples:
            require_pyarrow()
        self.plugins = plugins
        self.output = output
        self.data = data
        self.options = options
        self.store = ResultStore(output / "leaderboards")

    def execute(self, specs: list[RunSpec], quiet: bool, machine: bool) -> list[Outcome]:
        """Execute the specs in order and show a summary; stops after an interruption.

        Every spec is checked before the first run begins.
        """
        for spec in specs:
            check_spec(self.plugins, spec)
            self._check_samples(spec)
        console = Console(stderr=machine, highlight=False)
        display = choose_display(console, quiet)
        if not quiet:
            self.options = replace(self.options, earlier=self.store)
        outcomes = []
        try:
            for spec in specs:
                outcomes.append(self.execute_one(spec, display))
                if outcomes[-1].result.status == "interrupted":
                    break
        finally:
            display.close()
        if quiet:
            # --quiet hides progress, but not how the runs ended.
            for each in outcomes:
                stream = sys.stderr if machine or not each.finished else sys.stdout
                if not (machine and each.finished):
                    stream.write(f"{each.line}\n")
        if machine:
            document = {"results": [_document(outcome) for outcome in outcomes]}
            sys.stdout.write(json.dumps(document, indent=2, sort_keys=True) + "\n")
        elif len(outcomes) > 1 and not quiet:
            _print_summary(outcomes, console)
        return outcomes

    def execute_one(self, spec: RunSpec, display: Display) -> Outcome:
        """Execute a checked spec, unless its run is done, and store its result.

        Raises:
            UsageError: the options ask for samples of a run that is done and did not write them.
        """
        self._check_samples(spec)
        directory = RunDirectory.of_spec(self.output, spec)
        result = None if self.options.overwrite else self._finished(spec, directory)
        already = result is not None
        if result is None:
            result = execute(
                spec,
                self.plugins.method(spec.method),
                self.plugins.origins[spec.method],
                find_data(spec, directory, self.data),
                directory,
                display,
                self.options,
            )
        file, kept = directory.result_file, None
        stored = None if result.status == "done" else self._stored(spec)
        if stored is not None:
            kept = self.store.path_for(stored)
        elif result.status != "interrupted":
            file = self.store.path_for(result)
            if not already or not file.exists():
                file = self.store.save(result, overwrite=self.options.overwrite)
        outcome = Outcome(result, directory.path, file, kept)
        edited = already and _edited_since(result, self.plugins)
        outcome = replace(
            outcome, line=describe_outcome(outcome, already, edited, self.options.arguments)
        )
        display.finished(outcome.line)
        return outcome

    def _check_samples(self, spec: RunSpec) -> None:
        """Raise UsageError if the user wants samples of a run that is done and wrote none."""
        if not self.options.samples or self.options.overwrite:
            return
        directory = RunDirectory.of_spec(self.output, spec)
        if not directory.samples_file.exists() and self._finished(spec, directory) is not None:
            raise UsageError(
                f"The run of {spec.method} on {spec.track} with seed {spec.seed} is done, but "
                f"there is no {directory.samples_file}. --overwrite runs it again."
            )

    def _finished(self, spec: RunSpec, directory: RunDirectory) -> Result | None:
        """The finished result of this spec, from the store or from the run's directory."""
        return self._stored(spec) or directory.finished_result()

    def _stored(self, spec: RunSpec) -> Result | None:
        stored = self.store.find(
            spec.fingerprint,
            track=spec.track,
            method=spec.method,
            recipe=spec.recipe,
            seed=spec.seed,
        )
        return stored if stored is not None and stored.status == "done" else None


def _edited_since(result: Result, plugins: Plugins) -> bool:
    """Whether the method's code has changed since the result, if the result records the code."""
    before = result.method.source_sha256
    return before is not None and before != source_sha256(plugins.method(result.method.name))


def describe_outcome(
    outcome: Outcome, already: bool, edited: bool = False, arguments: Sequence[str] = ()
) -> str:
    """A line that says how a run ended, and what to do next.

    `arguments` are added to the command that resumes the run.
    """
    result = outcome.result
    title = f"{result.method.name} · {result.track} · seed {result.seed}"
    if result.status == "done":
        last10 = result.scores.test_accuracy_last10 or 0.0
        kept = " (already done; --overwrite runs it again)" if already else ""
        if edited:
            kept = (
                " (already done, but with other code of the method than the installed code; "
                "--overwrite runs it again with this code)"
            )
        note = ""
        if result.off_track is not None:
            changed = ", ".join(
                f"{k}={json.dumps(v)}" for k, v in result.off_track.overrides.items()
            )
            note = f"; off-track ({changed}): not in the track's table"
        return (
            f"{title}: done{kept}, test_accuracy_last10 {100 * last10:.2f}%{note}. "
            f"Result: {outcome.result_file}"
        )
    stays = "" if outcome.kept is None else f". The earlier finished result stays: {outcome.kept}"
    if result.status == "interrupted":
        again = shlex.join(["lnlbench", "run", "--resume", str(outcome.directory), *arguments])
        return f"{title}: interrupted, {result.error}. Resume it with: {again}{stays}"
    reason = str(result.error).rstrip(".")
    return f"{title}: {result.status}: {reason}. Result: {outcome.result_file}{stays}"


def choose_display(console: Console, quiet: bool) -> Display:
    """A live display on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        return QuietDisplay()
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "result": outcome.result.model_dump(mode="json"),
        "run_directory": str(outcome.directory),
        "result_file": str(outcome.result_file),
    }


def _print_summary(outcomes: list[Outcome], console: Console) -> None:
    table = Table("method", "seed", "status", "last 10", "last", "best (test-selected)", "seconds")
    for outcome in outcomes:
        result = outcome.result
        scores = result.scores
        accuracies = (
            scores.test_accuracy_last10,
            scores.test_accuracy_last,
            scores.test_accuracy_best,
        )
        cells = ["-" if value is None else f"{100 * value:.2f}%" for value in accuracies]
        seconds = f"{result.cost.wall_seconds:.0f}"
        # Text, not str: a method's name must not be read as markup.
        table.add_row(Text(result.method.name), str(result.seed), result.status, *cells, seconds)
    console.print(table)
