"""What a table's readers must know: what was measured, and on which data."""

from lnlbench.leaderboard import text
from lnlbench.leaderboard.cost import time_of_all
from lnlbench.leaderboard.table import Table
from lnlbench.metrics.scored_epochs import last_epochs


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
        "(of the recipe matched; a native recipe has the schedule of its paper)",
        "Seeds": ", ".join(map(str, seeds)) or "none finished",
        "Ranked by": f"test_accuracy_last10{_scored_epochs(protocol.get('epochs'))}, averaged over "
        "seeds; never by the best test epoch",
        "Hardware": "; ".join(hardware) or "not stated",
        "Precision": "; ".join(precision) or "not stated",
        "Time": f"{time_of_all(table.rows)} for all finished runs, one after another",
    }


def _scored_epochs(epochs: object) -> str:
    """Which epochs of the recipe matched the ranked score is made of."""
    if not isinstance(epochs, int):
        return ""
    last = last_epochs(epochs)
    which = "the last" if last == 1 else f"the mean of the last {last}"
    return f" ({which} of {epochs} epochs)"
