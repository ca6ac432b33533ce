"""Every `lnlbench …` command of the guide and the README names commands and options that exist.

Nothing is run: the names are looked up in the definition of the command line.
"""

import re
import shlex
from pathlib import Path

import pytest
import typer

from lnlbench.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/guide/*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = typer.main.get_command(app)


def commands(page: str) -> list[str]:
    """The commands of a page, a line each: those in shell and YAML blocks, and in backquotes."""
    lines = inline_code(page)
    for language, body in FENCED.findall(page):
        if language in ("sh", "yaml"):
            # A backslash continues a line, and so does an indented option in YAML.
            lines += re.sub(r"\\\n|\n(?=\s+--)", " ", body).splitlines()
    pieces = [piece for line in lines for piece in re.split(r"&&|[|>;]| -- ", line)]
    found = [re.search(r"(?:^|\s)(lnlbench(?:\s.*)?)$", each.partition(" #")[0]) for each in pieces]
    return [match[1].strip() for match in found if match]


def inline_code(page: str) -> list[str]:
    """What stands in backquotes, each on one line."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", FENCED.sub("", page))]


def option_names(command) -> set[str]:
    own = {name for each in command.params for name in [*each.opts, *each.secondary_opts]}
    return own | {"--help"}


def unknown(line: str) -> list[str]:
    """The subcommands and options of a command line that do not exist."""
    words = shlex.split(line.replace("…", " "))[1:]
    command = COMMAND
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            if not hasattr(command, "default"):
                return [name]
            name = command.default  # the word is an argument of the command that needs no name
        command = command.commands[name]
    if hasattr(command, "default"):
        command = command.commands[command.default]
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [name for name in given if name not in option_names(command)]


def every_option() -> set[str]:
    found, waiting = set(), [COMMAND]
    while waiting:
        command = waiting.pop()
        found |= option_names(command)
        waiting += getattr(command, "commands", {}).values()
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_its_options_exist(page):
    lines = commands(page.read_text(encoding="utf-8"))
    assert {line: unknown(line) for line in lines if unknown(line)} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_page_names_exists(page):
    code = inline_code(page.read_text(encoding="utf-8"))
    first = [line.split()[0].partition("=")[0] for line in code if line.startswith("--")]
    assert [option for option in first if option not in every_option()] == []


def test_what_does_not_exist_is_noticed():
    block = "cd x && lnlbench run --method ce \\\n    --speed 3  # --fast\n"
    page = f"`lnlbench fly` and\n```sh\n{block}```\n"
    assert [unknown(line) for line in commands(page)] == [["fly"], ["--speed"]]
