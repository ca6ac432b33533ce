import json

import pytest
from factories import make_document, make_result, merged

from lnlbench.leaderboard.check import conflicts, stale_files
from lnlbench.leaderboard.contradictions import contradictions
from lnlbench.leaderboard.render.files import render
from lnlbench.leaderboard.render.markdown import MARKER
from lnlbench.results import Result, ResultStore


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path)


def publish(store, results):
    for result in results:
        store.save(result)
    for name, text in render(results).items():
        (store.root / name).write_bytes(text.encode())


def test_a_published_leaderboard_is_in_order(store):
    results = [make_result("ce", 0), make_result("ce", 1, 0.6), make_result("gce", status="failed")]
    publish(store, results)
    (store.root / "README.md").write_text("Not a table.")
    assert conflicts(store, results) == []
    assert contradictions(store, results) == []
    assert stale_files(store, results, complete=True) == []


@pytest.mark.parametrize(
    "name", ["cifar100n-resnet34.md", "cifar100n-resnet34.csv", "index.html", "README.md"]
)
def test_an_edited_or_missing_table_is_named(store, name):
    results = [make_result(accuracy=0.5)]
    publish(store, results)
    path = store.root / name
    path.write_bytes(path.read_bytes().replace(b"5", b"9"))
    [problem] = stale_files(store, results, complete=True)
    assert f"{path} does not agree with its results: run `lnlbench leaderboard`" == problem
    path.unlink()
    [problem] = stale_files(store, results, complete=True)
    assert f"{path} is missing" in problem


def test_a_table_without_results_is_named_when_all_tracks_are_checked(store):
    digits, other = make_result(track="digits"), make_result()
    publish(store, [digits, other])
    page, readme, picture, problem = stale_files(store, [other], complete=True)
    assert f"{store.root / 'index.html'} does not agree with its results" in page
    assert f"{store.root / 'README.md'} does not agree with its results" in readme
    assert "digits-noises.svg has no results" in picture
    assert "digits.md has no results" in problem
    assert stale_files(store, [other], complete=False) == []


def test_a_picture_of_noises_that_are_gone_is_named(store):
    result = make_result()
    publish(store, [result])
    (store.root / "old-noises.svg").write_text(f"{MARKER}\n<svg></svg>")
    (store.root / "drawing.svg").write_text("<svg></svg>")
    (store.root / "notes.md").write_text(f"# Notes\n\nEach table begins with {MARKER}\n")
    [problem] = stale_files(store, [result], complete=True)
    assert "old-noises.svg has no results: delete it and its .csv" in problem


def test_a_folder_and_a_broken_link_that_are_named_as_tables_are_left_alone(store):
    result = make_result()
    publish(store, [result])
    (store.root / "notes.md").mkdir()
    (store.root / "gone.md").symlink_to("nowhere")
    assert stale_files(store, [result], complete=True) == []


def test_two_files_with_one_claim_are_named(store):
    one, two = make_result(spec={"workers": 1}), make_result(spec={"workers": 2})
    [problem] = conflicts(store, [one, two])
    assert str(store.path_for(one)) in problem
    assert str(store.path_for(two)) in problem


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"data": {"labels_sha256": "cd" * 32}}, "labels.labels_sha256"),
        ({"data": {"noise_rate": 0.3}}, "labels.noise_rate"),
        ({"protocol": {"epochs": 200}}, "protocol.epochs was 3, is 200"),
        ({"protocol": {"optimizer": {"lr": 0.5}}}, "protocol.optimizer.lr"),
    ],
)
def test_other_labels_or_another_protocol_cannot_share_a_track(store, changes, part):
    one = make_result("ce")
    other = Result.model_validate(merged(make_document("gce"), changes))
    [problem] = conflicts(store, [one, other])
    assert part in problem
    assert str(store.path_for(other)) in problem
    [same_problem] = conflicts(store, [one, make_result("ce", 1), other])
    assert part in same_problem


def test_off_track_results_may_differ(store):
    off_track = {"off_track": {"overrides": {"epochs": 1}}, "spec": {"epochs": 1}}
    other = merged(make_document("gce"), {"protocol": {"epochs": 1}})
    changed = make_result("gce", **off_track, protocol=other["protocol"])
    assert conflicts(store, [make_result(), changed]) == []


@pytest.mark.parametrize(
    ("score", "value"),
    [
        ("test_accuracy_last", 0.9),
        ("test_accuracy_best", 0.9),
        ("test_accuracy_last10", 0.9),
        ("test_accuracy_last10", 0.501),
        ("test_accuracy_selected", 0.5),
    ],
)
def test_a_score_that_its_own_curve_denies_is_named(store, score, value):
    result = make_result(scores={score: value})
    [problem] = contradictions(store, [result])
    assert score in problem
    assert str(value) in problem


def test_the_selected_epoch_is_the_best_on_validation(store):
    curves = {"test_accuracy": [0.1, 0.3, 0.2], "validation_accuracy": [0.2, 0.1, 0.1]}
    scores = {
        "test_accuracy_last10": 0.2,
        "test_accuracy_last": 0.2,
        "test_accuracy_best": 0.3,
        "test_accuracy_selected": 0.1,
    }
    assert contradictions(store, [make_result(curves=curves, scores=scores)]) == []
    scores["test_accuracy_selected"] = 0.3
    [problem] = contradictions(store, [make_result(curves=curves, scores=scores)])
    assert "test_accuracy_selected is 0.3, but its curve says 0.1" in problem


def test_a_curve_rounded_to_seven_digits_denies_nothing(store):
    document = make_document(accuracy=1 / 3)
    curve = [round(value, 7) for value in document["curves"]["test_accuracy"]]
    result = make_result(accuracy=1 / 3, curves={"test_accuracy": curve})
    assert contradictions(store, [result]) == []


def test_the_check_reads_what_is_on_disk(store):
    publish(store, [make_result(accuracy=0.5)])
    [path] = store.folder.rglob("*.json")
    document = json.loads(path.read_text())
    document["scores"]["test_accuracy_last10"] = 0.8
    path.write_text(json.dumps(document))
    results, bad = store.load_all()
    assert bad == []
    assert len(stale_files(store, results, complete=True)) == 4
    assert len(contradictions(store, results)) == 1
