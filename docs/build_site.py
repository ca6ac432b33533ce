"""The site's pages: every Markdown page of the repository at its own place, and a reference.

MkDocs calls `on_config` and `on_files`. Links between pages are those of the repository, so they
work there and on the site. A link to a folder leads to its README. Programs and data that pages
link are copied.
"""

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

import lnlbench

ROOT = Path(__file__).resolve().parents[1]
# MkDocs loads this file by its path, and it does not look beside it.
sys.path.insert(0, str(ROOT / "docs"))
from notebook_pages import as_markdown  # noqa: E402

# The page that `lnlbench leaderboard` makes; the folder's README is the site's index.html there.
INTERACTIVE = "leaderboards/page.html"
FOR_THE_SITE = ("docs/iframe-worker.js", "docs/site.css")
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _modules(package: str) -> list[str]:
    files = sorted((ROOT / package.replace(".", "/")).glob("[a-z]*.py"))
    return [f"{package}.{file.stem}" for file in files]


# What the reference has a page for: the names, as `import lnlbench` offers them or in full.
REFERENCE = {
    "Writing a method": [
        *("Method", "LossMethod", "Params", "Recipe", "SearchRange", "Criterion", "Mixture"),
        "hookimpl",
    ],
    "The run": ["Run", "Batch"],
    "Data and networks": ["Dataset", "Collection", "ImageFiles", "DataSource", "Backbone"],
    "Tracks": ["Track", "TrackData", "read_track"],
    "From Python": [
        *("run", "load_results", "lnlbench.api.results.Results", "export_model", "load_model"),
        "lnlbench.sklearn.NoisyLabelClassifier",
    ],
    "Pieces": _modules("lnlbench.pieces"),
    "Checks for authors": [
        *("lnlbench.testing", "lnlbench.testing.pages", "lnlbench.testing.small_runs"),
    ],
    "Errors": ["lnlbench.errors"],
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of each folder into the navigation, its README first."""
    pages = _pages()
    folders = {
        "Guide": "docs/guide/",
        "Methods": "docs/methods/",
        "Results": "leaderboards/",
        "Plugins": "plugins/",
        "Notebook": "docs/notebook/",
    }
    nav: list[dict[str, object]] = [{"Home": "README.md"}]
    for title, folder in folders.items():
        found = [page for page in pages if page.startswith(folder)]
        found.sort(key=lambda page: (page != f"{folder}README.md", _rank(page), page))
        if title == "Methods":
            found += [page for page in pages if re.fullmatch(r"plugins/[^/]+/docs/[^/]+\.md", page)]
        elif title == "Plugins":
            found = [page for page in found if "/docs/" not in page]
        elif title == "Results":
            found += ["docs/findings.md", INTERACTIVE]
        nav.append({title: [*found]})
    nav.insert(5, {"Reference": [_reference_page(title) for title in REFERENCE]})
    nav.append({"More": ["CONTRIBUTING.md", "CHANGELOG.md"]})
    config.nav = nav
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The theme's own files, every page, what pages link, and the reference."""
    kept = [file for file in files if not _in_docs(file)]
    pages = _pages()
    added, linked = [], set()
    for page in pages:
        text = _text(page)
        text, others = _followed(text, page, set(pages))
        linked |= others
        added.append(File.generated(config, page, content=text))
    copied = {other: ROOT / other for other in sorted(linked)}
    copied[INTERACTIVE] = ROOT / "leaderboards" / "index.html"
    copied |= {name: ROOT / name for name in FOR_THE_SITE}
    added += [File.generated(config, name, abs_src_path=str(file)) for name, file in copied.items()]
    for title, names in REFERENCE.items():
        text = "\n\n".join([f"# {title}", *(f"::: {_full(name)}" for name in names)])
        added.append(File.generated(config, _reference_page(title), content=text))
    _check_complete()
    return Files([*kept, *added])


def _text(page: str) -> str:
    notebook = (ROOT / page).with_suffix(".ipynb")
    if notebook.is_file():
        return as_markdown(notebook)
    return (ROOT / page).read_text(encoding="utf-8")


def _pages() -> list[str]:
    """All pages as Markdown files; a notebook stands for one of its name."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "*.md", "docs/guide/*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    hidden = ("lnlbench/", "tests/", ".")
    pages = [page.replace(".ipynb", ".md") for page in tracked.split("\0")]
    return sorted(page for page in pages if page and not page.startswith(hidden))


def _rank(page: str) -> bool:
    return PurePosixPath(page).name != "README.md"


def _in_docs(file: File) -> bool:
    return file.abs_src_path is not None and Path(file.abs_src_path).is_relative_to(ROOT / "docs")


def _reference_page(title: str) -> str:
    return f"docs/reference/{title.lower().replace(' ', '-')}.md"


def _full(name: str) -> str:
    home = lnlbench._HOMES.get(name)
    if home is not None:
        return f"{home}.{name}"
    return name if "." in name else f"lnlbench.{name}"


def _check_complete() -> None:
    named = {name for names in REFERENCE.values() for name in names}
    missing = set(lnlbench.__all__) - named - {"__version__"}
    if missing:
        raise PluginError(f"docs/build_site.py: REFERENCE lacks {', '.join(sorted(missing))}")


def _followed(text: str, page: str, pages: set[str]) -> tuple[str, set[str]]:
    """The page's text with links to folders led to their READMEs, and the files that it links."""
    others: set[str] = set()
    code = [match.span() for match in _CODE.finditer(text)]
    folder = PurePosixPath(page).parent

    def follow(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target or any(a <= match.start() < b for a, b in code):
            return match[0]
        place = (ROOT / folder / target).resolve()
        if place.is_dir():
            if not (place / "README.md").is_file():
                return words  # nothing of the site is there
            return f"[{words}]({target.rstrip('/')}/README.md{anchor})"
        path = place.relative_to(ROOT).as_posix()
        if path.endswith(".ipynb"):
            return f"[{words}]({target.removesuffix('.ipynb')}.md{anchor})"
        if path not in pages and place.is_file():
            others.add(path)
        return match[0]

    return _LINK.sub(follow, text), others
