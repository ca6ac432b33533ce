"""The guide's notebook: it runs, it is committed with its outputs, and the site can show it."""

import json
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "guide" / "first-steps.ipynb"


def code_cells(document):
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_committed_as_it_ran():
    cells = code_cells(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {"stream", "execute_result", "display_data"} == {each["output_type"] for each in outputs}
    assert {each.get("name", "stdout") for each in outputs} == {"stdout"}
    assert "/tmp/" not in json.dumps(outputs)
    assert NOTEBOOK.stat().st_size < 200_000


@pytest.mark.timeout(900)
def test_the_notebook_runs_and_says_the_same(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    committed = nbformat.read(NOTEBOOK, as_version=4)
    fresh = nbformat.read(NOTEBOOK, as_version=4)
    client.NotebookClient(fresh, timeout=600).execute(cwd=str(tmp_path))
    for before, after in zip(code_cells(committed), code_cells(fresh), strict=True):
        # Two prints may arrive as one output or as two.
        kinds = [{each["output_type"] for each in cell["outputs"]} for cell in (before, after)]
        assert kinds[0] == kinds[1], before["source"]


def test_the_site_shows_cells_and_outputs(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    from notebook_pages import as_markdown

    page = as_markdown(NOTEBOOK)
    sys.modules.pop("notebook_pages")
    assert page.startswith("# From data to plots\n")
    assert '```python\nfor method in ("ce", "elr"):' in page
    assert page.count('src="data:image/png;base64,') == 2
    assert "<table" in page
    assert "<pre>ce: " in page
