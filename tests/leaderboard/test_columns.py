"""One model of a table: what its columns and the list of scores say is in every form of it."""

import csv
import io
import json
import re
from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest
from factories import make_result

from lnlbench.leaderboard.columns import layouts
from lnlbench.leaderboard.page.charts import CHARTS
from lnlbench.leaderboard.render.files import combined_csv, combined_html, render
from lnlbench.leaderboard.table import build_tables
from lnlbench.results.identity import row_identity, run_identity
from lnlbench.results.scores import SCORES, Section

TRACK = "cifar100n-resnet34"
OPTIONAL = [score for score in SCORES if not score.shown.required]
NONE = dict.fromkeys((score.name for score in OPTIONAL), None)


def result(seed=0, **scores):
    return make_result("ce", seed, 0.5, scores={**NONE, **scores})


def markdown_heads(page):
    lines = page.splitlines()
    return {
        cell.strip()
        for line, below in pairwise(lines)
        if below.startswith("| ---")
        for cell in line.strip("|").split("|")
    }


def page_heads(page):
    return set(re.findall(r'<th scope="col"[^>]*>([^<]+)', page))


def csv_heads(text):
    return set(next(csv.reader(io.StringIO(text))))


@pytest.mark.parametrize("score", OPTIONAL, ids=lambda score: score.name)
def test_a_score_stands_in_every_table_of_runs_that_have_it_and_in_no_other(score):
    for value, shown in ((0.25, True), (None, False)):
        results = [result(**{score.name: value})]
        pages = render(results)
        title = score.shown.title
        assert (title in markdown_heads(pages[f"{TRACK}.md"])) is shown
        assert (title in page_heads(pages["index.html"])) is shown
        assert (score.name in csv_heads(pages[f"{TRACK}.csv"])) is shown


@pytest.mark.parametrize("score", OPTIONAL, ids=lambda score: score.name)
def test_a_run_without_a_score_that_another_run_has_shows_an_empty_cell(score):
    other = make_result("gce", 0, 0.6, scores=NONE)
    rows = list(csv.DictReader(io.StringIO(combined_csv([result(**{score.name: 0.25}), other]))))
    assert {row["method"]: row[score.name] for row in rows} == {"ce": "0.25", "gce": ""}


BUDGET = {
    "steps_per_epoch": 391.0,
    "training_passes_per_epoch": 2.0,
    "inference_passes_per_epoch": 0.5,
}
MULTIPLES = {"steps × CE": "steps_times_ce", "passes × CE": "passes_times_ce"}


@pytest.mark.parametrize("budget", [BUDGET, {}], ids=["with", "without"])
def test_a_budget_stands_in_every_table_of_runs_that_have_it_and_in_no_other(budget):
    pages = render([make_result("ce", 0, 0.5, cost=budget)])
    for title, key in MULTIPLES.items():
        assert (title in markdown_heads(pages[f"{TRACK}.md"])) is bool(budget)
        assert (title in page_heads(pages["index.html"])) is bool(budget)
        assert (key in csv_heads(pages[f"{TRACK}.csv"])) is bool(budget)
    [row] = csv.DictReader(io.StringIO(pages[f"{TRACK}.csv"]))
    assert {key: float(row[key]) for key in BUDGET if key in row} == budget
    below = "391 optimizer steps and passes the training set 2.00 times with gradients"
    assert (f"{below}, 0.50 without" in pages["index.html"]) is bool(budget)


@pytest.mark.parametrize("cost", [{"processor_seconds": 90.0}, {}], ids=["with", "without"])
def test_processor_time_stands_on_the_page_and_in_the_csv_of_runs_that_have_it(cost):
    pages = render([make_result("ce", 0, 0.5, cost=cost)])
    [row] = csv.DictReader(io.StringIO(pages[f"{TRACK}.csv"]))
    assert row.get("processor_seconds", "") == ("90.0" if cost else "")
    assert ("90.0 s a run, all threads together" in pages["index.html"]) is bool(cost)


def test_every_page_explains_the_note_on_different_code():
    results = [make_result("ce", seed, 0.5, source=f"{seed}" * 64) for seed in (0, 1)]
    pages = render(results)
    note = "seeds from different code"
    for page in (f"{TRACK}.md", "index.html"):
        assert pages[page].count(note) >= 2


def test_scores_are_written_as_the_list_says():
    scores = {score.name: 0.25 for score in OPTIONAL}
    [table] = build_tables([result(**scores)])
    columns = {column.key: column for column in layouts.PAGE}
    for score in OPTIONAL:
        column = columns[score.name]
        assert (
            column.cell(table.rows[0])
            == {"percent": "25.00", "number": "0.250"}[score.shown.format]
        )
        assert column.lowest_first is (score.shown.better == "lower")
        assert column.explanation.startswith(score.meaning.rstrip("."))


def test_every_score_that_is_a_curve_has_a_chart():
    charted = {name: label for chart in CHARTS for name, label in chart.curves.items()}
    for score in SCORES:
        if score.shown.section is not Section.ACCURACY:
            assert charted[score.name] == score.shown.title


def test_a_page_knows_the_charts_of_its_own_curves_alone():
    run = make_result(scores={**NONE, "ece": 0.1}, curves={"my_curve": [1.0] * 3})
    headings = json.loads(re.search(r'id="headings">(.*?)<', combined_html([run])).group(1))
    assert [each["curves"] for each in headings["charts"]] == [
        {"test_accuracy": "test"},
        {"ece": "ECE"},
    ]


def test_keys_and_headings_name_one_column_each():
    keys = [column.key for column in layouts.RECORD]
    assert all(keys)
    assert len(keys) == len(set(keys))
    for layout in (layouts.PAGE, layouts.MARKDOWN_RANKING, layouts.MARKDOWN_MEASURES):
        heads = [column.head for column in layout]
        assert len(heads) == len(set(heads))


def test_a_row_cannot_be_changed():
    [table] = build_tables([result()])
    with pytest.raises(FrozenInstanceError):
        table.rows[0].placing = None


@pytest.mark.parametrize(
    ("changes", "same_row"),
    [
        ({"seed": 1}, True),
        ({"environment": {"device": "another"}}, True),
        ({"spec": {"workers": 4}}, True),
        ({"recipe": "native"}, False),
        ({"params": {"q": 0.5}}, False),
        ({"track": "digits"}, False),
        ({"off_track": {"overrides": {"epochs": 1}}}, False),
    ],
)
def test_store_and_table_agree_on_what_one_row_is(changes, same_row):
    one, other = make_result("ce"), make_result("ce", **changes)
    assert (row_identity(one) == row_identity(other)) is same_row
    rows = [row for table in build_tables([one, other]) for row in table.rows]
    in_tables = [each for each in (one, other) if each.off_track is None]
    assert len(rows) == (1 if same_row else len(in_tables))
    assert (run_identity(one) == run_identity(other)) is (same_row and one.seed == other.seed)
