"""Checks of a method's page, docs/NAME.md, for built-in methods and for those of plugins.

Each check takes the text of the page and the method's class, and raises AssertionError.
"""

import io
import json
import re
import runpy
import shlex
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from lnlbench.interface.described import describe_params
from lnlbench.interface.method import Method
from lnlbench.results.published import published_figures
from lnlbench.results.published_names import NAMES

SECTIONS = [
    "Overview",
    "Usage",
    "Parameters",
    "Implementation details that matter",
    "Deviations",
    "Published figures",
    "Measured figures",
]
MARKED = re.compile(r"(?<=<!-- parameters -->\n).*?(?=<!-- /parameters -->)", re.DOTALL)


def section(page: str, title: str) -> str:
    """The text between one heading and the next."""
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def parameter_table(method: type[Method]) -> str:
    """A method's parameters as a Markdown table, in the order of the code."""
    rows = describe_params(method.Params)
    if not rows:
        return "None.\n"
    lines = ["| parameter | default | type | bounds | meaning |", "|---|---|---|---|---|"]
    for row in rows:
        default = json.dumps(row["default"], ensure_ascii=False)
        cells = [f"`{row['name']}`", f"`{default}`", row["type"], row["bounds"], row["description"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def rewrite_tables(folder: Path, methods: Iterable[type[Method]]) -> None:
    """Put the tables of the code into the pages."""
    for method in methods:
        file, table = folder / f"{method.name}.md", parameter_table(method)
        text, count = MARKED.subn(table.replace("\\", r"\\"), file.read_text(encoding="utf-8"))
        assert count == 1, f"{file} needs one <!-- parameters --> and one <!-- /parameters -->"
        file.write_text(text, encoding="utf-8")


def check_sections(page: str, method: type[Method]) -> None:
    """The page has all sections in order, and no section is empty."""
    assert re.findall(r"^## (.+)$", page, flags=re.MULTILINE) == SECTIONS
    assert page.startswith(f"# {method.name}\n")
    for title in SECTIONS:
        assert section(page, title).strip()


def check_parameter_table(page: str, method: type[Method]) -> None:
    """The page's table of parameters equals the table that the code makes."""
    assert MARKED.findall(section(page, "Parameters")) == [parameter_table(method)], (
        f"{method.name}.md differs from {method.__name__}.Params. "
        "Regenerate the tables with rewrite_tables."
    )


def check_reference_and_recipes(page: str, method: type[Method]) -> None:
    """The page has the paper's address, and every recipe with the command that runs it."""
    assert method.reference.rpartition("/")[2] in page
    for recipe in method.recipes:
        named, _, track = recipe.partition("@")
        # `matched` is the default; for a recipe of one track, the page names recipe and track.
        assert f"`{track}`" in page if track else f"--recipe {named}" in section(page, "Usage")


def check_commands(page: str, method: type[Method]) -> None:
    """Every `lnlbench run` below Usage is a valid command that runs this method."""
    blocks = re.findall(r"```sh\n(.*?)```", section(page, "Usage"), flags=re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in "".join(blocks).splitlines()]
    runs = [command for command in commands if command.startswith("lnlbench run ")]
    assert runs, "Usage shows no command that begins with `lnlbench run `"
    for command in runs:
        output, status = _called([*shlex.split(command)[1:], "--print-spec"])
        assert status == 0, f"{command}\n{output}"
        assert f'"method":"{method.name}"' in output, command


def _called(arguments: list[str]) -> tuple[str, object]:
    """What `python -m lnlbench` prints with these arguments, and its exit status."""
    printed, status = io.StringIO(), None
    with (
        patch("sys.argv", ["lnlbench", *arguments]),
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        try:
            runpy.run_module("lnlbench", run_name="__main__")
        except SystemExit as end:
            status = end.code or 0
    return printed.getvalue(), status


def check_page(page: str, method: type[Method]) -> None:
    """All checks of one page."""
    check_sections(page, method)
    check_parameter_table(page, method)
    check_reference_and_recipes(page, method)
    check_commands(page, method)
    check_published_figures(page, method)


def check_published_figures(page: str, method: type[Method]) -> None:
    """The leaderboard's figures of a method under all its names, with their networks and rules."""
    lines = section(page, "Published figures").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    for figure in published_figures("cifar100", "noisy-fine").figures:
        named = NAMES[figure.method]
        if named is not None and named.method == method.name:
            # A source may print only one decimal.
            mean = f"{100 * figure.mean:.2f}".rstrip("0")
            [line] = [row for row in rows if mean in row and figure.rule in row]
            assert f"| {figure.backbone} |" in line
            if figure.std is not None:
                assert f"{100 * figure.mean:.2f} ± {100 * figure.std:.2f}" in line
