"""What a table's readers must know: what was measured, and the command that measures it again."""

from collections.abc import Sequence
from pathlib import Path

from lnlbench.leaderboard import text
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.results.store import ResultStore


def table_facts(table: Table) -> dict[str, str]:
    """Label to plain text, in the order in which they are read."""
    protocol, data = table.protocol, table.data
    seeds = sorted({seed for row in table.rows for seed in row.by_seed})
    hardware = sorted({name for row in table.rows for name in row.hardware})
    # The precision that was used: the protocol may leave the choice to the device.
    precision = sorted({name for row in table.rows for name in row.precision})
    return {
        "Track": table.track,
        "Data": f"{data.dataset}, {data.num_train} training and {data.num_test} test images, "
        f"{data.num_classes} classes",
        "Noise": f"{data.noise}, {text.percent(data.noise_rate)} % of the training labels wrong",
        "Network": str(protocol.get("backbone", "not stated")),
        "Epochs": f"{protocol.get('epochs', 'not stated')} "
        "(recipe matched; a native recipe brings its paper's own schedule)",
        "Seeds": ", ".join(map(str, seeds)) or "none finished",
        "Ranked by": "test_accuracy_last10, averaged over seeds; the best test epoch ranks nothing",
        "Hardware": "; ".join(hardware) or "not stated",
        "Precision": "; ".join(precision) or "not stated",
    }


def command(row: Row) -> str:
    """The command line that makes a row's runs, its track's parameters taken as they are."""
    seeds = sorted(row.by_seed) or sorted(result.seed for result in row.unfinished)
    if row.tuning is not None:
        # A result holds the recipe that it followed.
        result = (row.finished or row.unfinished)[0]
        file = ResultStore(Path("leaderboards")).path_for(result).as_posix()
        return f"lnlbench run --recipe-file {file} {_seed_option(seeds)}"
    line = f"lnlbench run --track {row.track} --method {row.method}"
    if row.recipe != "matched":
        line += f" --recipe {row.recipe}"
    return f"{line} {_seed_option(seeds)}"


def _seed_option(seeds: Sequence[int]) -> str:
    if list(seeds) == list(range(len(seeds))):
        return f"--seeds {len(seeds)}"
    # A lone number after --seeds would be a count.
    return f"--seed {seeds[0]}" if len(seeds) == 1 else f"--seeds {','.join(map(str, seeds))}"
