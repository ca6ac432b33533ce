"""Every method of this package has a page, and the page says what the code says.

`python tests/test_pages.py`, with lnlbench's own tests on PYTHONPATH, rewrites the parameter tables
of the pages from the code.
"""

from pathlib import Path

import method_pages
import pytest
from lnlbench_early_learning import register_methods

PAGES = Path(__file__).parents[1] / "docs"
METHODS = {method.name: method for method in register_methods()}
each_method = pytest.mark.parametrize("name", METHODS)


def page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_every_method_has_a_page_and_every_page_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} == set(METHODS)


@each_method
def test_the_page_says_what_the_code_says(name):
    method_pages.check_sections(page(name), METHODS[name])
    method_pages.check_parameter_table(page(name), METHODS[name])
    method_pages.check_reference_and_recipes(page(name), METHODS[name])
    method_pages.check_commands(page(name), METHODS[name])
    method_pages.check_published_figures(page(name), METHODS[name])


def test_the_readme_links_every_page():
    readme = (PAGES.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"(docs/{name}.md)" in readme for name in METHODS)


if __name__ == "__main__":
    method_pages.rewrite_tables(PAGES, METHODS.values())
