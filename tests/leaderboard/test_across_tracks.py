"""Ranks across tracks against hand-computed cases, which rows are compared, and the README."""

import math

import pytest
from cli import call
from factories import make_result
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.leaderboard.across import across_tracks
from lnlbench.leaderboard.check import stale_files
from lnlbench.leaderboard.render.files import combined_html, render
from lnlbench.leaderboard.render.readme import readme_page
from lnlbench.leaderboard.table import build_tables, off_track_rows
from lnlbench.results import ResultStore
from lnlbench.results.statistics import compare_ranks

TRACKS = ("t1", "t2", "t3")

CLAIM = (
    "Of the 3 rows that are compared, a has the best average rank. These rows differ from it: c."
)


def runs(track, method, accuracy, seeds=3, **changes):
    return [
        make_result(method, seed, accuracy + seed / 1000, track=track, **changes)
        for seed in range(seeds)
    ]


def board(accuracies, tracks=TRACKS, seeds=3):
    return [
        run
        for track in tracks
        for method, accuracy in accuracies.items()
        for run in runs(track, method, accuracy, seeds)
    ]


def across(results):
    return across_tracks(build_tables(results))


@pytest.mark.parametrize(
    ("methods", "tracks", "expected"),
    # Demšar 2006: q(0.05) is 2.343, 2.569, 3.164 for 3, 4, 10 methods; the 14 data sets are his.
    [(4, 14, 1.25), (3, 6, 2.343 * math.sqrt(2 / 6)), (10, 5, 3.164 * math.sqrt(110 / 30))],
)
def test_the_critical_difference_is_nemenyis(methods, tracks, expected):
    found = compare_ranks([[float(m) for m in range(methods)]] * tracks)
    assert found.critical_difference == pytest.approx(expected, abs=0.005)


def test_friedmans_test_by_hand():
    # Rank sums 4, 8, 12 of 4 tracks: 12 / (4 * 3 * 4) * (16 + 64 + 144) - 3 * 4 * 4 = 8.
    found = compare_ranks([[0.9, 0.8, 0.7]] * 4)
    assert found.averages == [1.0, 2.0, 3.0]
    assert found.p_value == pytest.approx(math.exp(-4))  # chi-squared with 2 degrees of freedom
    assert found.distinguishable


def test_equal_scores_share_a_rank_and_equal_methods_have_no_p_value_to_speak_of():
    found = compare_ranks([[0.5, 0.5 + 1e-16, 0.2], [0.1, 0.2, 0.3]])
    assert found.ranks == [[1.5, 1.5, 3.0], [3.0, 2.0, 1.0]]
    same = compare_ranks([[0.5] * 3] * 4)
    assert (same.p_value, same.distinguishable) == (1.0, False)


@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=2, max_size=6))
def test_ranks_of_a_track_add_up_and_do_not_depend_on_the_scale(scores):
    found = compare_ranks(scores)
    assert all(sum(ranks) == 10 for ranks in found.ranks)
    assert compare_ranks([[3 * value - 1 for value in row] for row in scores]) == found


def test_methods_are_compared_over_the_tracks_that_have_them():
    found = across(board({"a": 0.7, "b": 0.6, "c": 0.5}))
    assert found.tracks == list(TRACKS)
    assert [(each.name, each.average) for each in found.standings] == [("a", 1), ("b", 2), ("c", 3)]
    assert found.p_value == pytest.approx(math.exp(-3))
    # 3 - 1 = 2 is more than 2.343 * sqrt(12 / 18) = 1.91, and 2 - 1 is less.
    assert found.claim == CLAIM
    assert found.missing == ""


def test_without_a_difference_nothing_is_claimed():
    results = board({"a": 0.7, "b": 0.6, "c": 0.5}, ("t1", "t2"))
    results += board({"a": 0.5, "b": 0.6, "c": 0.7}, ("t3",))
    found = across(results)
    assert found.claim == "The ranks show no difference between these rows."


def test_a_track_with_few_methods_is_left_out_and_said_so():
    results = board({"a": 0.7, "b": 0.6, "c": 0.5}) + runs("t0", "a", 0.5)
    found = across(results)
    assert (found.tracks, found.left_out) == (list(TRACKS), ["t0"])
    assert "Left out: t0." in combined_html(results)


@pytest.mark.parametrize(
    "results",
    [
        board({"a": 0.7, "b": 0.6, "c": 0.5}, TRACKS[:2]),
        board({"a": 0.7, "b": 0.6}),
        board({"a": 0.7, "b": 0.6, "c": 0.5}, seeds=2),
        board({"a": 0.7, "b": 0.6}) + [r for t in TRACKS for r in runs(t, t, 0.5)],
        [],
    ],
)
def test_what_is_missing_is_said(results):
    found = across(results)
    assert not found.standings
    assert "it needs 3 methods with at least 3 seeds each on the same 3 tracks" in found.missing
    if results:
        assert "t1 has" in found.missing
        assert found.missing in combined_html(results)


def test_oracles_off_track_runs_and_two_settings_of_one_method_are_not_compared():
    results = board({"a": 0.7, "b": 0.6, "c": 0.5})
    for track in TRACKS:
        results += runs(track, "knows", 0.9, oracle=("clean_labels",))
        results += runs(track, "two", 0.8) + runs(track, "two", 0.81, params={"x": 1})
        off = {"off_track": {"overrides": {"epochs": 9}}, "spec": {"epochs": 9}}
        results += runs(track, "off", 0.8, **off)
    assert [each.name for each in across(results).standings] == ["a", "b", "c"]


def test_a_recipe_is_a_row_of_its_own():
    results = board({"a": 0.7, "b": 0.6})
    for track in TRACKS:
        results += runs(track, "a", 0.8, recipe="native", spec={"epochs": 300})
    names = [each.name for each in across(results).standings]
    assert names == ["a, native", "a", "b"]


def test_the_page_and_the_readme_show_the_ranks():
    results = board({"a": 0.7, "b": 0.6, "c": 0.5})
    page = combined_html(results)
    assert CLAIM in page
    assert 'aria-label="average rank 2.00"' in page
    readme = readme_page(build_tables(results), [])
    assert "| a | 1.00 | 1 | 1 | 1 |" in readme
    assert "Friedman p = 0.0498, critical difference 1.91" in readme


def test_the_readme_names_the_best_ranked_row_of_each_track():
    results = board({"ce": 0.5, "b": 0.6}, ("t1",))
    results += runs("t1", "knows", 0.9, oracle=("clean_labels",))
    results += [make_result("boom", track="t2", status="failed")]
    off = {"off_track": {"overrides": {"epochs": 9}}, "spec": {"epochs": 9}}
    results += runs("t1", "off", 0.8, **off)
    text = readme_page(build_tables(results), off_track_rows(results))
    title = "[CIFAR-100N noisy fine, ResNet-34]"
    data = "cifar100, noisy-fine, 40.20 % wrong"
    first = f"| {title}(t1.md) | {data} | 3 | b | 60.10 ± 0.10 | 3 | 50.10 ± 0.10 |"
    assert first in text.splitlines()
    assert f"| {title}(t2.md) | {data} | 1 | – | – | – | – |" in text.splitlines()
    assert "Finished runs: 9, on 2 tracks. One after another, they took 15.0 min." in text
    assert "(off-track.md)" in text


def test_the_readme_is_written_and_checked_but_nobodys_own(tmp_path):
    store = ResultStore(tmp_path / "leaderboards")
    results = runs("t1", "ce", 0.5)
    for result in results:
        store.save(result)
    assert call("leaderboard", "--output", tmp_path).code == 0
    readme = store.root / "README.md"
    assert readme.read_text() == render(results)["README.md"]
    readme.write_text(readme.read_text() + "\nAn edit.")
    refused = call("leaderboard", "--check", "--output", tmp_path)
    assert refused.code == 1
    assert f"{readme} does not agree with its results" in refused.err
    readme.write_text("# My own notes")
    assert stale_files(store, results, complete=True) == []
    assert call("leaderboard", "--output", tmp_path).code == 0
    assert readme.read_text() == "# My own notes"
