"""The table of wrong labels found: what each row measured, and nothing that no file holds."""

import json

import pytest
from factories import DIAGNOSTICS, make_result, merged
from sklearn.metrics import f1_score

from lnlbench.errors import DataError
from lnlbench.leaderboard.detection import IN_SAMPLE, OUT_OF_SAMPLE, found_labels
from lnlbench.leaderboard.render.files import combined_html, combined_json, render
from lnlbench.leaderboard.table import build_tables
from lnlbench.results.audits import load_audits

TRACK = "cifar100n-resnet34"
MEASURED = {
    "of": "loss",
    "samples": 5000,
    "auroc": 0.7,
    "average_precision": 0.6,
    "precision_at_100": 0.9,
    "precision_at_true_number": 0.55,
    "flagged_f1": 0.5,
    "flagged_share": 0.3,
    "estimated_noise_rate": None,
    "true_noise_rate": 0.402,
}


def measured(seed=0, **changes):
    detection = [{**MEASURED, **changes}]
    diagnostics = merged(DIAGNOSTICS, {"detection": detection})
    return make_result("gce", seed, diagnostics=diagnostics, scores={"clean_auroc": None})


def summary(seed=0, auroc=0.9, judges=("dividemix",), **about):
    detection = {name: MEASURED[name] for name in MEASURED if name not in ("of", "samples")}
    return {
        "samples": 50000,
        "suspects": 3,
        "noise_rate": {"estimate": 0.36, "low": 0.3, "high": 0.4},
        "detection": {**detection, "auroc": auroc, "calibration": []},
        "about": {
            "judges": [{"method": name, "params": {}} for name in judges],
            "folds": 5,
            "seed": seed,
            "lnlbench": "0.1.0",
            **about,
        },
    }


def written(root, *summaries, track=TRACK):
    folder = root / "audits" / track
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(summaries):
        (folder / f"{number}.json").write_text(json.dumps(each))
    return load_audits(root)


def rows_of(results, audits=None):
    [table] = build_tables(results, audits or {})
    return found_labels(table)


def test_a_row_has_the_means_over_its_seeds():
    [row] = rows_of([measured(0, auroc=0.7), measured(2, auroc=0.8)])
    assert (row.name, row.judged, row.sorted_by) == ("gce", IN_SAMPLE, "loss")
    assert row.seeds == (0, 2)
    assert row.auroc == pytest.approx(0.75)
    assert row.seconds == 100


def test_oracles_say_so():
    [row] = rows_of([make_result("ce-selected", oracle=("clean_labels",))])
    assert row.name == "ce-selected (oracle)"


def test_what_one_seed_lacks_the_row_lacks():
    [row] = rows_of([measured(0), measured(1, average_precision=None)])
    assert row.average_precision is None
    assert rows_of([measured(0), make_result("gce", 1, scores={"clean_auroc": None})]) == []


def test_older_results_show_what_their_scores_say_and_dashes_elsewhere():
    # Of ten labels four are wrong; three of the seven that the method believes are wrong.
    wrong = [True] * 4 + [False] * 6
    believed = [True, True, True, False, True, True, True, True, False, False]
    scores = {"clean_auroc": 0.6, "label_precision": 4 / 7, "label_recall": 4 / 6}
    [row] = rows_of([make_result("elr", scores=scores, data={"noise_rate": 0.4})])
    assert row.sorted_by == "clean probability"
    assert row.auroc == 0.6
    assert row.flagged_share == pytest.approx(0.3)
    assert row.flagged_f1 == pytest.approx(f1_score(wrong, [not each for each in believed]))
    assert row.average_precision is row.estimated_noise_rate is row.precision_at_100 is None


def test_without_a_truth_there_is_no_table():
    result = make_result(data={"noise_rate": None}, scores={"clean_auroc": None})
    assert rows_of([result]) == []
    assert "Wrong labels found" not in render([result])[f"{TRACK}.md"]


def test_audits_stand_in_the_table_of_their_track_and_say_that_they_are_out_of_sample(tmp_path):
    audits = written(
        tmp_path, summary(0), summary(1, 0.8), summary(judges=("gce", "elr"), judge_cpu_seconds=7.0)
    )
    first, second, third = rows_of([measured()], audits)
    assert (first.name, first.judged) == ("audit by gce + elr, 5 folds", OUT_OF_SAMPLE)
    assert first.seconds == 7
    assert (second.seeds, second.auroc, second.seconds) == ((0, 1), pytest.approx(0.85), None)
    assert second.estimated_noise_rate == 0.36
    assert third.judged == IN_SAMPLE
    page = render([measured()], audits=audits)[f"{TRACK}.md"]
    assert "| audit by dividemix, 5 folds | out of sample | suspicion | 2 | 0.850 |" in page
    assert "audit by dividemix" in combined_html([measured()], audits)
    [table] = json.loads(combined_json([measured()], audits))["tracks"]
    assert [row["name"] for row in table["wrong_labels_found"]] == [first.name, second.name, "gce"]


def test_audits_of_tracks_without_results_change_nothing(tmp_path):
    audits = written(tmp_path, summary(), track="digits")
    assert render([measured()], audits=audits) == render([measured()])


def test_a_file_that_is_no_summary_of_a_known_truth_is_named(tmp_path):
    unknown = summary()
    del unknown["detection"]
    with pytest.raises(DataError, match=r"0\.json is not the summary of an audit: .*clean_label"):
        written(tmp_path, unknown)


def test_the_same_audit_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"0\.json and .*1\.json are of the same judges"):
        written(tmp_path, summary(), summary(auroc=0.8))
