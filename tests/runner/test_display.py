"""What a run shows: lines for logs, a table for terminals, and no markup from foreign names."""

import io

import pytest
from rich.console import Console

from lnlbench.runner import display as display_module
from lnlbench.runner.display import EpochReport, LiveDisplay, PlainDisplay, QuietDisplay
from lnlbench.testing.small_runs import make_run

REPORT = EpochReport(
    epoch=4,
    max_epochs=20,
    seconds=75.0,
    images_per_second=1234.5,
    eta_seconds=4000.0,
    scalars={"loss": 1.2345, "labeled_share": 0.625},
    scores={"test_accuracy": 0.4321, "clean_auroc": None, "memorization": 0.05},
)


def shown(display_class, terminal):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=140)
    display = display_class(console)
    display.started("ce · [red]track[/red] · seed 0", 20, first_epoch=4)
    run = make_run()
    run.log(loss=0.75)
    run.samples, run.steps = 300, 7
    display.step(run, seconds=2.0)
    if terminal:
        display._live.refresh()  # else its thread refreshes at a moment of its own choice
    display.epoch(REPORT)
    display.finished("the end")
    return text.getvalue()


def test_plain_lines_have_the_figures_and_leave_out_what_is_not_known():
    text = shown(PlainDisplay, terminal=False)
    assert "ce · [red]track[/red] · seed 0: 20 epochs, resumed at epoch 5" in text
    (line,) = [line for line in text.splitlines() if line.startswith("epoch")]
    for word in ("epoch 5/20", "loss 1.234", "test 43.2%", "labeled 62.5%", "memorized 5.0%"):
        assert word in line
    for word in ("1,234", "time 75.0 s", "ETA 66.7 min"):
        assert word in line
    assert "AUROC" not in line
    assert text.splitlines()[-1] == "the end"


def test_the_live_display_shows_step_loss_speed_and_the_epochs_table():
    text = shown(LiveDisplay, terminal=True)
    figures = ("step 7", "loss 0.750", "150 img/s", "43.2%", "62.5%")
    for word in (*figures, "[red]track[/red]", "the end"):
        assert word in text


def test_a_log_shows_the_step_once_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(display_module.time, "monotonic", lambda: now[0])
    text = io.StringIO()
    display = PlainDisplay(Console(file=text, width=140))
    display.started("ce", 20, first_epoch=0)
    display.forecast(7200.0, "20 epochs take about 2.0 h.")
    run = make_run()
    for step in range(1, 301):
        now[0] += 1.0
        run.steps, run.samples = step, 10 * step
        display.step(run, seconds=float(step))
    steps = [line for line in text.getvalue().splitlines() if "step" in line]
    assert [line.partition("step ")[2].split()[0] for line in steps] == [
        "60",
        "120",
        "180",
        "240",
        "300",
    ]
    for words in ("epoch 1/3", "5.0 min in this epoch", "ETA 115.0 min", "10 img/s"):
        assert words in steps[-1]


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_means_quiet(terminal, capsys):
    display = QuietDisplay()
    display.started("title", 2, 0)
    display.step(make_run(), 1.0)
    display.epoch(REPORT)
    display.finished("the end")
    assert capsys.readouterr() == ("", "")
