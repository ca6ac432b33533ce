"""CONTRIBUTING.md: its map has every package, and it says where things go and where they are."""

import re
from pathlib import Path

from lnlbench.testing import pages

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_has_one_line_for_each_package_and_each_loose_module():
    lines = re.findall(r"^\| `(lnlbench/[^`]+)` \| \S.* \|$", PAGE, flags=re.MULTILINE)
    package = ROOT / "lnlbench"
    packages = [f"lnlbench/{path.parent.name}/" for path in package.glob("*/__init__.py")]
    modules = [f"lnlbench/{path.name}" for path in package.glob("*.py")]
    modules.remove("lnlbench/__init__.py")
    assert sorted(lines) == sorted([*packages, *modules])


def test_every_path_that_the_page_names_exists():
    named = re.findall(r"`((?:lnlbench|tests|docs|plugins|leaderboards|\.ci)/[\w./]*)`", PAGE)
    gone = [path for path in named if "NAME" not in path and not (ROOT / path).exists()]
    assert len(named) > 30
    assert gone == []


def test_it_says_where_a_reference_implementation_goes():
    assert "`tests/support/slow_NAME.py`" in PAGE
    assert list((ROOT / "tests" / "support").glob("slow_*.py"))


def test_it_lists_the_sections_of_a_methods_page_in_order():
    words = " ".join(PAGE.split())
    places = [words.index(f"**{title}**") for title in pages.SECTIONS]
    assert places == sorted(places)
