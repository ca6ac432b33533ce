"""What lnlbench tells people to type exists."""

import re
from pathlib import Path

import pytest
import typer

from lnlbench.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/methods/*.md"), *ROOT.glob("plugins/*/docs/*.md")])
# Options of git, of pip, of fish's `complete`, one that typer has and lnlbench leaves out, and one
# of the process that forks the runs of a sweep.
OF_OTHERS = {
    *("--error-unmatch", "--porcelain", "--untracked-files"),
    *("--upgrade", "--command", "--arguments", "--install-completion"),
    "--serve",
}
SOURCES = [*ROOT.glob("lnlbench/**/*.py"), *ROOT.glob("plugins/*/lnlbench_*/*.py")]


def options(command):
    own = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return own.union(*(options(each) for each in getattr(command, "commands", {}).values()))


@pytest.fixture(scope="module")
def known():
    return options(typer.main.get_command(app)) | {"--help"} | OF_OTHERS


def test_every_option_that_a_message_or_comment_names_exists(known):
    named = {
        (path.name, option)
        for path in SOURCES
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 100
    assert {(name, option) for name, option in named if option not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_option_that_a_methods_page_names_exists(known, page):
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text(encoding="utf-8"))) <= known
