"""The findings: their figures are what the committed results give, and the claims are few."""

import json
import re
import sys
from pathlib import Path
from statistics import fmean

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "findings.md").read_text(encoding="utf-8")
RESULTS = DOCS.parent / "leaderboards" / "results"


@pytest.fixture
def findings(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    import findings

    yield findings
    del sys.modules["findings"]


def test_the_figures_are_what_the_results_give(findings):
    assert findings.main(["--check"]) == 0, "python docs/findings.py brings them up to date"


def test_a_changed_figure_is_noticed_and_put_right(findings, tmp_path, monkeypatch, capsys):
    page = tmp_path / "findings.md"
    page.write_text(re.sub(r"\d\d\.\d\d", "99.99", PAGE, count=1), encoding="utf-8")
    monkeypatch.setattr(findings, "PAGE", page)
    assert findings.main(["--check"]) == 1
    assert "python docs/findings.py" in capsys.readouterr().err
    assert findings.main([]) == 0
    assert page.read_text(encoding="utf-8") == PAGE


def test_the_page_has_every_block_and_at_most_ten_claims(findings):
    assert sorted(re.findall(r"<!-- figures: ([a-z-]+) -->", PAGE)) == sorted(findings.FIGURES)
    assert 1 <= len(re.findall(r"^## \d+\. ", PAGE, flags=re.MULTILINE)) <= 10


def means(track, score="test_accuracy_last10"):
    """The mean score of each method's recipe `matched`, read from the files alone."""
    found = {}
    for file in (RESULTS / track).glob("*/matched-seed*.json"):
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["status"] == "done" and result["spec"]["recipe"] == "matched":
            found.setdefault(file.parent.name, []).append(result["scores"][score])
    return {method: fmean(values) for method, values in found.items()}


def test_the_share_of_the_gap_follows_from_the_result_files():
    last = means("cifar100n-embedding")
    [line] = re.findall(r"^\| cifar100n-embedding \| .* % \| .*$", PAGE, flags=re.MULTILINE)
    cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
    assert cells[2:4] == [f"{100 * last[name]:.2f}" for name in ("ce", "ce-selected")]
    best = last[cells[4]]
    assert cells[5] == f"{100 * best:.2f}"
    share = (best - last["ce"]) / (last["ce-selected"] - last["ce"])
    assert cells[6] == f"{100 * share:.0f} %"


def test_what_ce_loses_after_its_best_epoch_follows_from_the_result_files():
    lost = means("digits", "test_accuracy_best")["ce"] - means("digits")["ce"]
    [line] = re.findall(r"^\| digits \| \d+\.\d+ \| `.*$", PAGE, flags=re.MULTILINE)
    assert line.split("|")[2].strip() == f"{100 * lost:.2f}"


def lines_of(block):
    """The cells of the lines of a block's table, without its head."""
    table = re.search(rf"<!-- figures: {block} -->\n(.*?)<!-- /figures -->", PAGE, re.DOTALL)[1]
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    return rows[2:]


def test_the_forgotten_classes_follow_from_the_result_files():
    files = sorted((RESULTS / "digits" / "epsilon-softmax").glob("matched-seed*.json"))
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    ends = [run["diagnostics"]["classes"]["test_accuracy"] for run in runs]
    forgotten = fmean(len([end for end in each if end < 0.2]) for each in ends)
    [line] = [line for line in lines_of("surprises") if line[:2] == ["digits", "epsilon-softmax"]]
    assert line[-1] == f"{forgotten:.1f}"
    assert forgotten > 0


def test_the_surprises_are_the_rows_at_most_a_point_above_cross_entropy():
    last = means("digits")
    shown = {line[1] for line in lines_of("surprises") if line[0] == "digits"}
    surprising = {name for name, mean in last.items() if mean <= last["ce"] + 0.01}
    assert {name for name in shown if "," not in name} == surprising


def test_an_estimated_rate_follows_from_the_result_files():
    files = (RESULTS / "digits" / "co-teaching").glob("matched-seed*.json")
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    last = fmean(run["curves"]["forget_rate"][-1] for run in runs)
    truth = runs[0]["data"]["noise_rate"]
    assert ["digits", "co-teaching", f"{100 * last:.2f}", f"{100 * truth:.2f}"] in lines_of(
        "estimated-rates"
    )
