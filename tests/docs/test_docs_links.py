"""Every link between the pages of the repository leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/**/*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page), flags=re.MULTILINE)
    bare = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in bare}


def broken(page: Path) -> list[str]:
    """The links of a page to files or headings that do not exist."""
    found = []
    for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        known = file.exists() and (not anchor or anchor in anchors(file.read_text("utf-8")))
        if not known:
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    assert broken(page) == []


def test_a_broken_link_is_noticed(tmp_path):
    (tmp_path / "other.md").write_text("# A heading, here\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md#a-heading-here) [b](other.md#none) [c](gone.md) [d](#e)\n")
    assert broken(page) == ["other.md#none", "gone.md", "#e"]


@pytest.mark.parametrize("folder", ["guide", "notebook"])
def test_an_index_has_one_line_for_each_page_of_its_folder(folder):
    place = ROOT / "docs" / folder
    pages = {path.name for kind in ("*.md", "*.ipynb") for path in place.glob(kind)} - {"README.md"}
    lines = (place / "README.md").read_text(encoding="utf-8").splitlines()
    listed = [LINK.search(line)[1] for line in lines if line.startswith("| [")]
    assert sorted(listed) == sorted(pages)


def test_pages_of_the_guide_are_short():
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in ROOT.glob("docs/guide/*.md")
    }
    assert [name for name, length in lengths.items() if length > 200] == []


def test_entries_of_the_notebook_begin_with_their_date():
    names = [path.name for path in ROOT.glob("docs/notebook/*.md") if path.name != "README.md"]
    assert [name for name in names if not re.match(r"\d{4}-\d{2}-\d{2}-[a-z]", name)] == []


# A word in capitals, such as NAME, stands for a name; a generated plugin has a tests/test_….py.
NAMED = re.compile(
    r"(?<![\w/.])(?:docs|tests/\w+|lnlbench|leaderboards)/[\w./-]+\.(?:py|md|json|toml|svg)\b"
)
PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\.|_[A-Z]{4,}\.")
SPEAKING = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/guide/*.md"),
    *ROOT.glob("docs/methods/*.md"),
    *ROOT.glob("lnlbench/**/*.py"),
    *ROOT.glob("tests/**/*.py"),
    *ROOT.glob("plugins/*/*.md"),
    *ROOT.glob("plugins/*/docs/*.md"),
    *ROOT.glob("plugins/*/lnlbench_*/*.py"),
]


def named_but_lost(file: Path) -> list[str]:
    """The files that `file` names and that are neither in the repository nor beside it."""
    homes = [ROOT, *file.parents[: len(file.relative_to(ROOT).parts) - 1]]
    names = set(NAMED.findall(file.read_text(encoding="utf-8")))
    names = {name for name in names if "README" in name or not PLACEHOLDER.search(name)}
    return [name for name in names if not any((home / name).exists() for home in homes)]


def test_files_that_pages_and_code_name_exist():
    lost = {str(file.relative_to(ROOT)): named_but_lost(file) for file in SPEAKING}
    assert {file: names for file, names in lost.items() if names} == {}
