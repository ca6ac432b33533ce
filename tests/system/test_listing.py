"""Listings: no name is cut at any width, and a pipe gets one line a row."""

import re

import pytest
from plugin_zoo import install, method_source
from typer.testing import CliRunner

from lnlbench.bench.table import print_timings
from lnlbench.bench.timing import Timing
from lnlbench.cli import app
from lnlbench.data import dataset_names
from lnlbench.networks import BACKBONES
from lnlbench.plugins import load_plugins
from lnlbench.system import listing as module
from lnlbench.system.listing import listing
from lnlbench.tracks import track_names

LONG = "a-method-with-a-name-that-is-as-long-as-names-of-methods-get"
LISTINGS = {
    "tracks": track_names,
    "methods": lambda: sorted(load_plugins().methods),
    "datasets": dataset_names,
    "backbones": lambda: sorted(BACKBONES),
    "plugins": lambda: ["lnlbench", *load_plugins().methods],
}


def words(text):
    return set(re.split(r"[\s,]+", text))


def at_width(monkeypatch, width):
    monkeypatch.setattr(module, "terminal_width", lambda: width)


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("command", LISTINGS)
def test_a_narrow_terminal_shows_every_name_whole(monkeypatch, command, width):
    at_width(monkeypatch, width)
    shown = CliRunner().invoke(app, [command])
    assert shown.exit_code == 0, shown.exception
    assert set(LISTINGS[command]()) <= words(shown.stdout)
    assert max(map(len, shown.stdout.splitlines())) <= width
    assert "…" not in shown.stdout


@pytest.mark.parametrize("command", LISTINGS)
def test_a_pipe_gets_one_line_for_each_name(command):
    lines = CliRunner().invoke(app, [command], env={"COLUMNS": "40"}).stdout.splitlines()
    if command == "plugins":
        for name, origin in load_plugins().origins.items():
            [line] = [line for line in lines if line.startswith(f"{origin.distribution} ")]
            assert name in words(line)
        return
    firsts = [line.split()[0] for line in lines if line]
    assert all(firsts.count(name) == 1 for name in LISTINGS[command]())


@pytest.mark.parametrize("width", [80, 60])
def test_timings_are_whole_on_a_narrow_terminal(monkeypatch, capsys, width):
    at_width(monkeypatch, width)
    shares = {"augmentation": 0.1, "training": 0.5, "no-grad passes": 0.2, "selection": 0.1}
    timing = Timing(
        *("co-teaching-oracle", "fp32", "resnet-small", 2560, 128, "fp32", True, "CPU", 1, 0.5),
        *((3.0,), 3.0, 853.0, 2.0, 1.5, None, None, None, shares | {"bookkeeping": 0.1}, 1.0),
        *(12.0, 2**30),
    )
    print_timings([[timing]])
    shown = capsys.readouterr().out
    assert {"co-teaching-oracle", "bookkeeping:", "024"} <= words(shown.replace(";", " "))
    assert max(map(len, shown.splitlines())) <= width


def test_columns_give_way_from_the_widest_and_numbers_end_in_line():
    rows = [("ce", 7, "one two three four five six"), ("dividemix", 1000, "x")]
    assert listing(("name", "n", "about it"), rows, 30) == [
        "name          n  about it",
        "ce            7  one two three",
        "                 four five six",
        "dividemix  1000  x",
    ]


def test_a_row_is_a_block_where_its_words_do_not_fit():
    assert listing(("name", "size", "noise"), [(LONG, "3 M", "-")], 40) == [LONG, "    size: 3 M"]


def test_a_listing_without_headings_or_rows_has_no_line_for_them():
    assert listing(("", ""), [("a", "b")], None) == ["a  b"]
    assert listing(("", ""), [], 80) == []
    assert listing(("name",), [], 80) == ["name"]


def test_foreign_text_stays_on_its_line_and_commands_no_terminal():
    assert listing(("name",), [("a\nb\x1b[2J",)], None) == ["name", r"a b\x1b[2J"]


def test_plugins_of_a_long_name_are_whole(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"lnlbench-{LONG}"
    install(tmp_path, name, method_source(""))
    at_width(monkeypatch, 80)
    monkeypatch.setenv("LNLBENCH_PLUGINS", name)
    assert name in words(CliRunner().invoke(app, ["plugins"]).stdout)
