"""Every built-in method has a page, and the page says what the code says.

`python tests/test_method_pages.py` rewrites the parameter tables of the pages from the code.
"""

import os
from pathlib import Path

import method_pages
import pytest
from registry import BUILTIN

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "methods"

each_method = pytest.mark.parametrize("name", BUILTIN)


def page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_every_method_has_a_page_and_every_page_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(BUILTIN), (
        f"write docs/methods/NAME.md: {', '.join(method_pages.SECTIONS)}"
    )


def test_the_index_has_one_line_for_each_page_those_of_the_plugins_included():
    pages = [path for path in PAGES.glob("*.md") if path.stem != "README"]
    pages += ROOT.glob("plugins/*/docs/*.md")
    wanted = sorted(f"[{path.stem}]({os.path.relpath(path, PAGES)})" for path in pages)
    lines = (PAGES / "README.md").read_text(encoding="utf-8").splitlines()
    listed = sorted(line.split(" | ")[0][2:] for line in lines if line.startswith("| ["))
    assert listed == wanted


@each_method
def test_sections_are_complete_and_in_order(name):
    method_pages.check_sections(page(name), BUILTIN[name])


@each_method
def test_the_parameter_table_is_the_codes(name):
    method_pages.check_parameter_table(page(name), BUILTIN[name])


@each_method
def test_the_reference_and_every_recipe_are_on_the_page(name):
    method_pages.check_reference_and_recipes(page(name), BUILTIN[name])


@each_method
def test_commands_are_understood(name):
    method_pages.check_commands(page(name), BUILTIN[name])


@each_method
def test_published_figures_are_those_of_the_leaderboard_with_their_rules(name):
    method_pages.check_published_figures(page(name), {name})


if __name__ == "__main__":
    method_pages.rewrite_tables(PAGES, BUILTIN.values())
