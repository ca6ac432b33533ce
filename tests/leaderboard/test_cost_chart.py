"""The chart of accuracy and time: which rows are on its front, and where things lie."""

from itertools import pairwise

import pytest
from factories import make_result

from lnlbench.leaderboard.page.cost_chart import cost_chart
from lnlbench.leaderboard.render.files import combined_html
from lnlbench.leaderboard.table import build_tables

ROWS = {"ce": (0.5, 10.0), "slow": (0.55, 900.0), "elr": (0.6, 40.0), "best": (0.7, 200.0)}


def results(rows=ROWS, **changes):
    found = [
        make_result(method, seed, accuracy, seconds=seconds, **changes)
        for method, (accuracy, seconds) in rows.items()
        for seed in range(3)
    ]
    return [*found, make_result("ce-clean", 0, 0.8, seconds=11.0, oracle=("clean_labels",))]


def chart_of(found):
    [table] = build_tables(found)
    return cost_chart(table.rows)


def test_a_row_is_on_the_front_if_every_faster_row_is_less_accurate():
    chart = chart_of(results())
    assert {point.label for point in chart.points if point.front} == {"ce", "elr", "best"}
    assert {point.label for point in chart.points} == set(ROWS)


def test_rows_closer_than_a_pixel_are_told_apart():
    chart = chart_of(results({**ROWS, "hair": (0.60001, 41.0)}))
    assert {label.name for label in chart.labels} == {"ce", "elr", "hair", "best"}
    assert next(label.name for label in chart.labels) == "best"


def test_more_accurate_is_higher_and_slower_is_further_right():
    points = {point.label: point for point in chart_of(results()).points}
    assert points["best"].y < points["elr"].y < points["slow"].y < points["ce"].y
    assert points["ce"].x < points["elr"].x < points["best"].x < points["slow"].x


def test_references_are_lines_whose_labels_do_not_touch():
    near = {**ROWS, "best": (0.8, 200.0)}
    found = [*results(near), make_result("ce-selected", 0, 0.801, oracle=("clean_labels",))]
    chart = chart_of(found)
    assert {line.label for line in chart.lines} == {"ce", "ce-clean", "ce-selected"}
    heights = sorted(line.label_y for line in chart.lines)
    assert min(b - a for a, b in pairwise(heights)) >= 11


def test_there_is_no_chart_of_two_rows_or_of_two_machines():
    assert chart_of(results({"ce": (0.5, 10.0), "elr": (0.6, 40.0)})) is None
    other = make_result("gce", 0, 0.6, environment={"device": "another"})
    assert chart_of([*results(), other]) is None


def test_on_a_cpu_the_chart_shows_processor_times():
    cpu = {"device": "CPU (x86_64, 2 cores)"}
    found = [
        make_result(
            method, 0, accuracy, seconds=60.0, environment=cpu, cost={"processor_seconds": seconds}
        )
        for method, (accuracy, seconds) in ROWS.items()
    ]
    chart = chart_of(found)
    assert chart.time == "processor time"
    assert {point.label for point in chart.points if point.front} == {"ce", "elr", "best"}
    assert "slow: 55.00 %, 15.0 min" in {point.words for point in chart.points}
    assert "against the processor time of a run" in combined_html(found)
    assert chart_of(results()).time == "time"


def test_the_page_says_each_point_in_words():
    page = combined_html(results())
    assert "<title>elr: 60.00 %, 40.0 s</title>" in page


def test_the_gain_is_paired_over_common_seeds():
    found = [make_result("ce", seed, 0.5 + seed / 100) for seed in range(4)]
    found += [make_result("elr", seed, 0.55 + seed / 100) for seed in range(3)]
    [table] = build_tables(found)
    gains = {row.name: row.gain for row in table.rows}
    assert gains["ce"] is None
    assert gains["elr"].mean == pytest.approx(0.05)
    assert gains["elr"].high - gains["elr"].low == pytest.approx(0, abs=1e-9)
    assert "+5.00 ± 0.00" in combined_html(found)
