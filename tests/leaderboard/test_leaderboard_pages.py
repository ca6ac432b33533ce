import csv
import io
import json
import random
import re

import pytest
from factories import PROTOCOL, make_result
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.leaderboard.render.files import combined_csv, combined_json, render
from lnlbench.leaderboard.text import duration, escape

TRACK = "cifar100n-resnet34"


@pytest.fixture(scope="module")
def results():
    draw = random.Random(0)
    made = [
        make_result(method, seed, round(mean + draw.gauss(0, 0.005), 4), seconds=seconds)
        for method, mean, seconds in (("ce", 0.5, 100.0), ("dividemix", 0.6, 520.0))
        for seed in range(3)
    ]
    made.append(make_result("gce", 4, 0.55, recipe="native"))
    made.append(make_result("boom", 0, status="failed", error="out of | memory\n<b>"))
    made.append(make_result("ce", 3, status="diverged"))
    made.append(
        make_result("ce", 0, 0.9, off_track={"overrides": {"epochs": 9}}, spec={"epochs": 9})
    )
    return made


@pytest.fixture(scope="module")
def page(results):
    return render(results)[f"{TRACK}.md"]


def table_rows(page, first_column):
    """The cells of each row of the Markdown table whose header begins with `first_column`."""
    lines = page.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    header, _, *body = rows
    return [dict(zip(header, row, strict=True)) for row in body]


def test_files_of_a_track_and_of_off_track_results(results):
    assert list(render(results)) == [
        f"{TRACK}.md",
        f"{TRACK}.csv",
        "off-track.md",
        "off-track.csv",
        "index.html",
        "README.md",
    ]
    assert list(render(results[:3], complete=False)) == [f"{TRACK}.md", f"{TRACK}.csv"]


def test_equal_results_make_equal_bytes_in_any_order(results):
    expected = render(results)
    for seed in range(5):
        shuffled = random.Random(seed).sample(results, len(results))
        assert render(shuffled) == expected
        assert combined_json(shuffled) == combined_json(results)


@pytest.mark.parametrize(
    "fact",
    [
        f"# {PROTOCOL['title']}",
        "cifar100, 50000 training and 10000 test images",
        "noisy-fine, 40.20 % of the training labels wrong",
        "**Network:** resnet34",
        "**Epochs:** 3",
        "**Seeds:** 0, 1, 2, 4",
        r"test\_accuracy\_last10",
        "**Hardware:** NVIDIA H100",
        "**Precision:** bf16",
        "**Time:** 32.7 min for all finished runs",
    ],
)
def test_the_header_says_what_was_measured(page, fact):
    assert fact in page


def test_accuracies_are_in_percent_and_best_is_in_parentheses():
    result = make_result(accuracy=0.5)
    other = make_result(seed=1, accuracy=0.6)
    [row] = table_rows(render([result, other])[f"{TRACK}.md"], "rank")
    # Mean 55, deviation 10 / sqrt(2), half interval 12.706 * 10 / 2.
    assert row["last 10 (ranked)"] == "55.00 ± 7.07"
    assert row["95 % interval"] == "-8.53 to 118.53"
    assert row["best (test-selected, not ranked)"] == "(56.00)"


def test_a_single_seed_says_so_in_its_line(page):
    [row] = [row for row in table_rows(page, "rank") if row["method"] == "gce"]
    assert row["note"] == "1 seed: no claim"
    assert row["seeds"] == "1 (4)"


def test_failures_are_listed_and_counted(page):
    rows = {row["method"]: row for row in table_rows(page, "rank")}
    assert rows["boom"]["runs"] == "1 failed"
    assert rows["ce"]["runs"] == "3 done, 1 diverged"
    section = page[page.index("## Runs without a result") :]
    failures = table_rows(section, "method")
    assert [(row["method"], row["seed"], row["status"]) for row in failures] == [
        ("boom", "0", "failed"),
        ("ce", "3", "diverged"),
    ]
    assert failures[0]["error"] == "out of &vert; memory &lt;b&gt;"


def test_no_failures_no_section():
    assert "Runs without a result" not in render([make_result()])[f"{TRACK}.md"]


def test_commands_reproduce_the_rows(page):
    block = page.split("```")[1].strip().splitlines()
    assert f"lnlbench run --track {TRACK} --method dividemix --seeds 3" in block
    assert f"lnlbench run --track {TRACK} --method gce --recipe native --seed 4" in block
    assert len(block) == 4


@pytest.mark.parametrize(
    ("seeds", "option"),
    [([0], "--seeds 1"), ([0, 1, 2], "--seeds 3"), ([4], "--seed 4"), ([0, 2, 7], "--seeds 0,2,7")],
)
def test_commands_ask_for_the_seeds_of_the_row(seeds, option):
    page = render([make_result(seed=seed) for seed in seeds])[f"{TRACK}.md"]
    assert f"--method ce {option}\n" in page


def test_the_precision_is_the_one_that_was_used():
    protocol = PROTOCOL | {"precision": "auto"}
    page = render([make_result(protocol=protocol, environment={"precision": "fp32"})])
    assert "**Precision:** fp32\n" in page[f"{TRACK}.md"]


def test_published_figures_are_apart_and_carry_their_rule(page):
    ranking, published = page.split("## Published figures")
    assert "71.13" not in ranking
    row = table_rows(published, "method")
    assert {
        "method": "ce",
        "accuracy": "49.18 ± 0.48",
        "reporting rule": "last epoch",
        "network": "ResNet-34",
        "seeds": "3",
        "source": "[5]",
    } in row
    assert "rank" not in row[0]


def test_off_track_results_are_in_no_ranked_table(results, page):
    assert "90.00" not in page
    off_track = render(results)["off-track.md"]
    [row] = table_rows(off_track, "track")
    assert row["last 10"] == "90.00"
    assert row["overrides"] == r'\{"epochs": 9\}'
    assert "rank |" not in off_track


def test_csv_holds_fractions_and_empty_cells(results):
    rows = list(csv.DictReader(io.StringIO(render(results)[f"{TRACK}.csv"])))
    by_method = {row["method"]: row for row in rows}
    ours = [r.scores.test_accuracy_last10 for r in results[:3]]
    assert float(by_method["ce"]["test_accuracy_last10"]) == pytest.approx(sum(ours) / 3, abs=1e-6)
    assert by_method["dividemix"]["times_ce"] == "5.2"
    assert by_method["gce"]["test_accuracy_last10_std"] == ""
    assert by_method["boom"]["rank"] == ""
    assert by_method["boom"]["test_accuracy_last10"] == ""
    assert [row["rank"] for row in rows] == ["1", "2", "3", ""]


def test_csv_text_is_no_formula_and_has_one_line_per_row():
    text = combined_csv([make_result(environment={"device": '=cmd("x")\nnext'})])
    [row] = csv.DictReader(io.StringIO(text))
    assert row["hardware"] == '\'=cmd("x") next'
    assert text.count("\n") == 2


def test_json_has_the_rows_of_the_csv(results):
    document = json.loads(combined_json(results))
    [track] = document["tracks"]
    assert track["track"] == TRACK
    assert [row["method"] for row in track["rows"]] == ["dividemix", "gce", "ce", "boom"]
    assert [row["method"] for row in document["off_track"]] == ["ce"]
    header = combined_csv(results).splitlines()[0].split(",")
    assert list(track["rows"][0]) == header


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_foreign_text_breaks_no_table(text):
    result = make_result(status="failed", error=text or "x", environment={"device": text})
    page = render([result])[f"{TRACK}.md"]
    assert len(table_rows(page, "rank")) == 1
    [row] = table_rows(page[page.index("## Runs without") :], "method")
    assert "<" not in row["error"]
    assert not re.search(r"(?<!\\)[`*_\[]", row["error"])


def test_escaped_text_is_literal_and_on_one_line():
    assert escape("a|b\r\n\x1b[31m<i>*x*\u202e \\") == (r"a&vert;b \[31m&lt;i&gt;\*x\* &bsol;")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (119.9, "119.9 s"), (120, "2.0 min"), (7199, "120.0 min"), (7200, "2.0 h")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
