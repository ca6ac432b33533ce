import pytest
from factories import make_result, run_result

from lnlbench.leaderboard.cost import ELAPSED, PROCESSOR, compared_time
from lnlbench.leaderboard.facts import table_facts
from lnlbench.leaderboard.table import build_tables, off_track_rows


def runs(method, *accuracies, seeds=None, **changes):
    seeds = range(len(accuracies)) if seeds is None else seeds
    return [
        make_result(method, seed, accuracy, **changes)
        for seed, accuracy in zip(seeds, accuracies, strict=True)
    ]


def rows_of(results):
    [table] = build_tables(results)
    return {row.method: row for row in table.rows}


def order(results):
    [table] = build_tables(results)
    return [(row.rank, row.method) for row in table.rows]


def test_rows_are_ranked_by_the_mean_of_the_last_ten_epochs():
    best_epoch = {"scores": {"test_accuracy_best": 0.99, "test_accuracy_last": 0.9}}
    results = runs("a", 0.5, 0.5, **best_epoch) + runs("b", 0.5, 0.6) + runs("c", 0.7)
    assert order(results) == [(1, "c"), (2, "b"), (3, "a")]


def test_equal_means_share_a_rank_in_order_of_name():
    results = runs("z", 0.9) + runs("c", 0.1, 0.7) + runs("b", 0.7, 0.1) + runs("a", 0.1)
    assert order(results) == [(1, "z"), (2, "b"), (2, "c"), (4, "a")]


def test_rounding_breaks_no_tie():
    # In floating point (0.1 + 0.2) / 2 and (0.15 + 0.15) / 2 differ in the last bit.
    assert order(runs("b", 0.1, 0.2) + runs("a", 0.15, 0.15)) == [(1, "a"), (1, "b")]


def test_an_oracle_on_top_is_shown_and_not_ranked():
    results = runs("cheat", 0.9, 0.91, 0.92, oracle=("noise_rate",)) + runs("a", 0.5, 0.6, 0.7)
    assert order(results) == [(None, "cheat"), (1, "a")]
    rows = rows_of(results)
    assert rows["a"].note == "best"
    assert rows["cheat"].note == "oracle (noise_rate): not ranked"
    assert rows["cheat"].comparison is None


def test_rows_that_the_test_does_not_tell_from_the_best_are_marked():
    results = (
        runs("best", 0.7, 0.71, 0.72, 0.73)
        + runs("near", 0.71, 0.7, 0.72, 0.72)
        + runs("far", 0.5, 0.52, 0.53, 0.51)
    )
    rows = rows_of(results)
    assert rows["near"].note == "p ≥ 0.05"
    assert rows["far"].note == ""
    assert rows["far"].comparison.p_value < 0.05


def test_single_seeds_and_few_common_seeds_make_no_claim():
    results = (
        runs("best", 0.7, 0.71, 0.72)
        + runs("single", 0.6)
        + runs("elsewhere", 0.5, 0.51, 0.52, seeds=[1, 2, 3])
    )
    rows = rows_of(results)
    assert rows["single"].note == "1 seed: no claim"
    assert rows["elsewhere"].note == "no claim: 2 seeds in common with the best"


def test_a_single_seed_on_top_makes_no_claim_of_being_best():
    rows = rows_of(runs("lucky", 0.9) + runs("a", 0.5, 0.6, 0.7))
    assert rows["lucky"].note == "best; 1 seed: no claim"
    assert rows["a"].note == "no claim: 1 seed in common with the best"


@pytest.mark.parametrize("status", ["failed", "diverged", "interrupted"])
def test_unfinished_runs_count_in_the_status_and_in_no_mean(status):
    results = [*runs("a", 0.5, 0.7), make_result("a", 2, 0.0, status=status)]
    row = rows_of(results)["a"]
    assert row.status == f"2 done, 1 {status}"
    assert row.accuracy.mean == pytest.approx(0.6)
    assert list(row.by_seed) == [0, 1]


def test_a_method_with_only_failures_keeps_a_row_at_the_end():
    results = [make_result("a-broken", 0, status="failed"), *runs("b", 0.1)]
    assert order(results) == [(1, "b"), (None, "a-broken")]
    row = rows_of(results)["a-broken"]
    assert (row.accuracy, row.note, row.status) == (None, "no finished run", "1 failed")


def test_a_track_with_only_failures_has_a_table():
    assert order([make_result("a", status="failed")]) == [(None, "a")]


def test_recipes_and_parameters_have_rows_of_their_own():
    results = (
        runs("gce", 0.5, params={"q": 0.7, "k": 1})
        + runs("gce", 0.6, params={"q": 0.5, "k": 1})
        + runs("gce", 0.4, params={"q": 0.7, "k": 1}, recipe="native")
    )
    [table] = build_tables(results)
    assert [(row.recipe, row.distinct_params) for row in table.rows] == [
        ("matched", {"q": 0.5}),
        ("matched", {"q": 0.7}),
        ("native", {}),
    ]


def test_a_score_missing_for_one_seed_is_missing_for_the_row():
    results = runs("a", 0.5) + runs("a", 0.5, seeds=[1], scores={"clean_auroc": None})
    scores = rows_of(results)["a"].scores
    assert scores["clean_auroc"] is None
    assert scores["ece"] == pytest.approx(0.1)


def test_time_is_a_multiple_of_ce_on_the_same_hardware_only():
    results = (
        runs("ce", 0.5, 0.5, seconds=100.0)
        + runs("slow", 0.6, 0.6, seconds=450.0)
        + runs("elsewhere", 0.6, seconds=50.0, environment={"device": "a laptop"})
    )
    rows = rows_of(results)
    assert rows["slow"].times_ce == pytest.approx(4.5)
    assert rows["ce"].times_ce == 1.0
    assert rows["elsewhere"].times_ce is None
    assert rows_of(runs("slow", 0.6))["slow"].times_ce is None


CPU = {"device": "CPU (x86_64, 2 cores)"}


def used(processor_seconds):
    return {"processor_seconds": processor_seconds}


@pytest.mark.parametrize(
    ("environment", "ce", "busy", "times"),
    [
        (CPU, used(90.0), used(180.0), 2.0),
        (CPU, used(90.0), {}, None),
        (CPU, {}, used(180.0), None),
        ({"device": "NVIDIA H100"}, used(90.0), used(180.0), 9.0),
    ],
)
def test_on_a_cpu_processor_times_are_compared_elsewhere_elapsed_ones(environment, ce, busy, times):
    rows = rows_of(
        runs("ce", 0.5, seconds=100.0, cost=ce, environment=environment)
        + runs("busy", 0.6, seconds=900.0, cost=busy, environment=environment)
    )
    assert rows["busy"].times_ce == times


def test_elapsed_times_are_compared_if_no_result_states_its_hardware():
    assert compared_time(()) == ELAPSED
    assert compared_time(("CPU (x86_64, 2 cores)",)) == PROCESSOR


@pytest.mark.parametrize(
    ("hashes", "noted"),
    [("aab", True), ("aaa", False), ("a a", False), ("   ", False), ("a b", True)],
)
def test_a_row_whose_seeds_come_from_different_code_is_marked(hashes, noted):
    results = [
        make_result("a", seed, 0.5, source=None if stored == " " else stored * 64)
        for seed, stored in enumerate(hashes)
    ]
    assert ("seeds from different code" in rows_of(results)["a"].note) is noted


def test_the_code_of_runs_without_a_score_marks_no_row():
    failed = make_result("a", 1, status="failed", source="b" * 64)
    results = [make_result("a", 0, 0.5, source="a" * 64), failed]
    assert "different code" not in rows_of(results)["a"].note


def budget(steps, training, inference):
    passes = {"training_passes_per_epoch": training, "inference_passes_per_epoch": inference}
    return {"steps_per_epoch": steps, **passes}


def test_a_budget_is_a_multiple_of_ce_on_any_hardware():
    results = (
        runs("ce", 0.5, 0.5, cost=budget(10.0, 1.0, 0.0))
        + runs("two", 0.6, cost=budget(30.0, 2.0, 1.0), environment={"device": "a laptop"})
        + runs("two", 0.6, seeds=[1], cost=budget(20.0, 3.0, 1.0))
        + runs("older", 0.6)
        + runs("mixed", 0.6, cost=budget(10.0, 1.0, 0.0))
        + runs("mixed", 0.6, seeds=[1])
    )
    rows = rows_of(results)
    assert (rows["two"].steps_times_ce, rows["two"].passes_times_ce) == (2.5, 2.5)
    assert (rows["ce"].steps_times_ce, rows["ce"].passes_times_ce) == (1.0, 1.0)
    for name in ("older", "mixed"):
        assert (rows[name].steps_times_ce, rows[name].passes_times_ce) == (None, None)
    assert rows_of(runs("two", 0.6, cost=budget(1.0, 1.0, 1.0)))["two"].steps_times_ce is None


def test_tracks_have_tables_of_their_own_and_off_track_results_have_none():
    changed = make_result(
        "b", accuracy=0.9, off_track={"overrides": {"epochs": 1}}, spec={"epochs": 1}
    )
    results = [*runs("a", 0.5, track="digits"), *runs("a", 0.6, track="cifar10n-worst"), changed]
    tables = build_tables(results)
    assert [table.track for table in tables] == ["cifar10n-worst", "digits"]
    assert all(row.method == "a" for table in tables for row in table.rows)
    [row] = off_track_rows(results)
    assert (row.method, row.rank, row.overrides) == ("b", None, {"epochs": 1})


def test_rows_of_one_table_share_its_precision():
    track, other = run_result("ce"), run_result("ce", overrides={"precision": "bf16"})
    assert track.fingerprint != other.fingerprint
    assert other.off_track.overrides == {"precision": "bf16"}
    [table] = build_tables([track, other])
    assert [row.precision for row in table.rows] == [("fp32",)]
    [row] = off_track_rows([track, other])
    assert row.precision == ("bf16",)


def test_published_figures_stand_beside_their_data_only():
    [table] = build_tables(runs("ce", 0.5))
    assert any(figure.method == "dividemix" for figure in table.published.figures)
    [table] = build_tables(runs("ce", 0.5, data={"noise": "symmetric:0.4"}))
    assert not table.published.figures


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        (15, "test_accuracy_last10 (the last of 15 epochs), averaged over seeds"),
        (60, "test_accuracy_last10 (the mean of the last 6 of 60 epochs), averaged over seeds"),
        (None, "test_accuracy_last10, averaged over seeds"),
    ],
)
def test_a_table_says_which_epochs_make_its_score(epochs, said):
    [table] = build_tables(runs("ce", 0.5, protocol={"epochs": epochs}))
    assert table_facts(table)["Ranked by"].startswith(said)
