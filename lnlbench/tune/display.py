"""What a search prints before and after: its ranges, its trials, and how to use its recipe."""

import shlex
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lnlbench.results.tuning import Tuning
from lnlbench.system.console import Console
from lnlbench.system.text import duration
from lnlbench.tune.definition import SearchDefinition
from lnlbench.tune.recipe import standard_error
from lnlbench.tune.search import describe_score, describe_values
from lnlbench.tune.study import Study, seconds_of, values_of

_SHOWN = 10


def print_search(
    definition: SearchDefinition,
    folder: Path,
    trials: int,
    slots: int | None,
    seconds: float | None,
    console: Console,
) -> None:
    """Show what is searched, and how long the search takes.

    `slots` is the number of trials that run at once, None if the cluster decides it. `seconds` is
    the time of one run, None if it is unknown.
    """
    table = Table("parameter", "from", "to", "", box=None)
    for name, span in definition.ranges().items():
        kind = ", ".join((["whole"] if span.whole else []) + (["log"] if span.log else []))
        # Text, not str: names come from plugins, and must not be read as markup.
        table.add_row(Text(name), str(span.low), str(span.high), kind)
    console.print(table)
    estimate = "time unknown: no recorded run"
    if seconds is not None:
        whole = seconds * len(definition.seeds) * trials / (slots or 1)
        estimate = f"at most {duration(whole)} by recorded runs, less what is pruned"
    seeds = ", ".join(map(str, definition.seeds))
    at_a_time = f"{slots} at a time" if slots else "as many at a time as the cluster has room for"
    for line in (
        f"{_count(trials)} of {definition.method} on {definition.track}, recipe {definition.base}, "
        f"seeds {seeds}; {at_a_time}; {estimate}.",
        f"Compared: {definition.direction} {definition.objective}, "
        f"{100 * definition.validation:g} % of the training samples held out with noisy labels.",
        f"Search: {folder}",
    ):
        _print(line, console)


def print_found(study: Study, tuning: Tuning, file: Path, console: Console) -> None:
    """Show the best trials, how much chance alone gains, and the command that uses the recipe."""
    definition = study.definition
    done = [trial for trial in study.ended() if trial.value is not None]
    sign = -1 if definition.direction == "maximize" else 1
    # The score of a pruned trial is that of one epoch, which compares with no other score.
    done.sort(key=lambda trial: (trial.state.name != "COMPLETE", sign * (trial.value or 0.0)))
    table = Table("trial", "state", "score", "time", "parameters", box=None)
    for trial in done[:_SHOWN]:
        table.add_row(
            str(trial.number),
            "done" if trial.state.name == "COMPLETE" else trial.state.name.lower(),
            describe_score(definition, trial.value or 0.0),
            duration(seconds_of(trial)),
            Text(describe_values(values_of(trial)) or "the defaults"),
        )
    console.print(table)
    _print(
        f"{_count(tuning.trials)} ({tuning.pruned} pruned, {tuning.failed} failed), "
        f"{duration(tuning.wall_seconds)} in all.",
        console,
    )
    _print(_lead(definition, tuning), console)
    _print(f"Recipe: {file}", console)
    command = shlex.join(["lnlbench", "run", "--recipe-file", str(file), "--seeds", "5"])
    own = "" if definition.own_track is None else " --track FILE.toml (the file of your track)"
    _print(f"Run it with: {command}{own}", console)


def _lead(definition: SearchDefinition, tuning: Tuning) -> str:
    """What the search has gained, and what chance alone would have gained."""
    score = describe_score(definition, tuning.score)
    if tuning.default_score is None:
        return f"Best: {score}. The defaults did not come to an end."
    default = describe_score(definition, tuning.default_score)
    if tuning.score == tuning.default_score:
        return f"No trial is better than the defaults: {default}."
    line = f"Best: {score}, the defaults: {default}."
    error = standard_error(tuning)
    if error is None:
        return line
    return (
        f"{line} On {tuning.validation_samples} held-out samples, the standard error of such a "
        f"difference is at most {100 * error:.2f} points, and the best of {tuning.trials} is "
        "lucky besides."
    )


def _count(trials: int) -> str:
    return "1 trial" if trials == 1 else f"{trials} trials"


def _print(text: str, console: Console) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
