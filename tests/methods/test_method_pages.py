"""Every built-in method has a page, and the page says what the code says.

`python tests/methods/test_method_pages.py` rewrites the parameter tables from the code.
"""

import os
import re
import sys
from pathlib import Path

import pytest
from registry import BUILTIN

from lnlbench.testing import pages

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "methods"

each_method = pytest.mark.parametrize("name", BUILTIN)


def page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_every_method_has_a_page_and_every_page_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(BUILTIN), (
        f"write docs/methods/NAME.md: {', '.join(pages.SECTIONS)}"
    )


def test_the_index_has_one_line_for_each_page_those_of_the_plugins_included():
    pages = [path for path in PAGES.glob("*.md") if path.stem != "README"]
    pages += ROOT.glob("plugins/*/docs/*.md")
    wanted = sorted(f"[{path.stem}]({os.path.relpath(path, PAGES)})" for path in pages)
    lines = (PAGES / "README.md").read_text(encoding="utf-8").splitlines()
    listed = sorted(line.split(" | ")[0][2:] for line in lines if line.startswith("| ["))
    assert listed == wanted


def test_the_index_names_every_recipe_for_one_track_and_for_cifar10():
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    policy = index.split("\n## Defaults, and tracks of ten classes\n")[1]
    by_track, by_data = policy.split("**The authors' values")
    modules = [*ROOT.glob("lnlbench/methods/*.py"), *ROOT.glob("plugins/*/lnlbench_*/*.py")]
    texts = {module.stem.replace("_", "-"): module.read_text("utf-8") for module in modules}
    [row] = re.findall(r"^\| (.+) \| `--recipe cifar10` \|$", by_data, flags=re.MULTILINE)
    # A module may hold several methods: a recipe belongs to the last name before it.
    found = {
        re.findall(r'^    name = "([a-z0-9-]+)"', text[: recipe.start()], re.MULTILINE)[-1]
        for text in texts.values()
        for recipe in re.finditer('"cifar10": ', text)
    }
    assert set(re.findall("`([^`]+)`", row)) == found
    special = {name: re.findall(r'"([a-z-]+)@digits": ', text) for name, text in texts.items()}
    special = {name.removesuffix("-settings"): each for name, each in special.items() if each}
    rows = re.findall(r"^\| `([^`]+)`, (.+?) \|", by_track, flags=re.MULTILINE)
    assert {name: re.findall("`([^`]+)`", recipes) for name, recipes in rows} == special


@each_method
def test_the_module_begins_with_the_paper_the_reference_code_and_the_page(name):
    method = BUILTIN[name]
    text = sys.modules[method.__module__].__doc__
    assert method.reference.split()[0].rstrip(",") in text, "the first author"
    assert re.search(
        r"^(Reference.*: github\.com/\S+.* at [0-9a-f]{7}|Worked from the p)", text, re.M
    )
    # A variant shares the module, and so the page, of the method that it is a variant of.
    pages_named = re.findall(r"docs/methods/([\w-]+)\.md", text)
    assert any(name.startswith(page_name) for page_name in pages_named)


@each_method
def test_sections_are_complete_and_in_order(name):
    pages.check_sections(page(name), BUILTIN[name])


@each_method
def test_the_parameter_table_is_the_codes(name):
    pages.check_parameter_table(page(name), BUILTIN[name])


@each_method
def test_the_reference_and_every_recipe_are_on_the_page(name):
    pages.check_reference_and_recipes(page(name), BUILTIN[name])


@each_method
def test_commands_are_understood(name):
    pages.check_commands(page(name), BUILTIN[name])


@each_method
def test_published_figures_are_those_of_the_leaderboard_with_their_rules(name):
    pages.check_published_figures(page(name), BUILTIN[name])


if __name__ == "__main__":
    pages.rewrite_tables(PAGES, BUILTIN.values())
