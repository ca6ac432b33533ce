"""Every method of this package has a page, and the page says what the code says.

`python tests/test_pages.py` rewrites the parameter tables of the pages from the code.
"""

from pathlib import Path

import pytest
from lnlbench_transition import register_methods

from lnlbench.testing import pages

PAGES = Path(__file__).parents[1] / "docs"
METHODS = {method.name: method for method in register_methods()}
each_method = pytest.mark.parametrize("name", METHODS)


def page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_every_method_has_a_page_and_every_page_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} == set(METHODS)


@each_method
def test_the_page_says_what_the_code_says(name):
    pages.check_page(page(name), METHODS[name])


def test_the_readme_links_every_page():
    readme = (PAGES.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"(docs/{name}.md)" in readme for name in METHODS)


if __name__ == "__main__":
    pages.rewrite_tables(PAGES, METHODS.values())
