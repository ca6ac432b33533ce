"""Every built-in method has a page, and the page says what the code says.

`python tests/test_method_pages.py` rewrites the parameter tables of the pages from the code.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lnlbench.cli import app
from lnlbench.cli.methods import describe_params
from lnlbench.plugins import load_plugins
from lnlbench.results.published import published_figures

PAGES = Path(__file__).parents[1] / "docs" / "methods"
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


def builtin_methods():
    plugins = load_plugins()
    return {
        name: method
        for name, method in sorted(plugins.methods.items())
        if plugins.origins[name].distribution == "lnlbench"
    }


METHODS = builtin_methods()
each_method = pytest.mark.parametrize("name", METHODS)


def page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def section(name, title):
    """The text below one heading, up to the next."""
    return page(name).split(f"\n## {title}\n")[1].split("\n## ")[0]


def parameter_table(method):
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


def rewrite_tables():
    """Put the tables of the code into the pages."""
    for name, method in METHODS.items():
        table = parameter_table(method)
        text, count = MARKED.subn(lambda _, table=table: table, page(name))
        assert count == 1, f"{name}.md needs one <!-- parameters --> and one <!-- /parameters -->"
        (PAGES / f"{name}.md").write_text(text, encoding="utf-8")


@each_method
def test_every_method_has_a_page(name):
    assert (PAGES / f"{name}.md").is_file(), f"write docs/methods/{name}.md: {', '.join(SECTIONS)}"


def test_every_page_has_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} == set(METHODS)


@each_method
def test_sections_are_complete_and_in_order(name):
    assert re.findall(r"^## (.+)$", page(name), flags=re.MULTILINE) == SECTIONS
    assert page(name).startswith(f"# {name}\n")
    for title in SECTIONS:
        assert section(name, title).strip()


@each_method
def test_the_parameter_table_is_the_codes(name):
    shown = MARKED.findall(section(name, "Parameters"))
    assert shown == [parameter_table(METHODS[name])], (
        f"docs/methods/{name}.md differs from {METHODS[name].__name__}.Params. "
        "Regenerate the tables: python tests/test_method_pages.py"
    )


@each_method
def test_the_reference_and_every_recipe_are_on_the_page(name):
    method = METHODS[name]
    assert method.reference.rpartition("/")[2] in page(name)
    for recipe in method.recipes:
        named, _, track = recipe.partition("@")
        # `matched` is the default, and one for a single track is that track's: the page names it.
        assert (
            f"`{track}`" in page(name) if track else f"--recipe {named}" in section(name, "Usage")
        )


@each_method
def test_commands_are_understood(name):
    blocks = re.findall(r"```sh\n(.*?)```", section(name, "Usage"), flags=re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in "".join(blocks).splitlines()]
    runs = [command for command in commands if command.startswith("lnlbench run ")]
    assert runs
    for command in runs:
        result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--print-spec"])
        assert result.exit_code == 0, f"{command}\n{result.output}{result.exception}"
        assert f'"method":"{name}"' in result.output


@each_method
def test_published_figures_are_those_of_the_leaderboard_with_their_rules(name):
    text = section(name, "Published figures")
    for figure in published_figures("cifar100", "noisy-fine").figures:
        if figure.method == name:
            [line] = [line for line in text.splitlines() if f"{100 * figure.mean:.2f}" in line]
            assert figure.rule in line
            if figure.std is not None:
                assert f"{100 * figure.mean:.2f} ± {100 * figure.std:.2f}" in line


if __name__ == "__main__":
    rewrite_tables()
