"""A result file that was tampered with is refused by name, and changes nothing else."""

import copy
import json

import pytest
from cli import call
from factories import make_document, make_result

from lnlbench.leaderboard.render.files import render
from lnlbench.results import ResultStore, fingerprint


@pytest.fixture
def store(tmp_path):
    store = ResultStore(tmp_path / "leaderboards")
    for method, accuracy in (("ce", 0.5), ("gce", 0.6)):
        for seed in range(3):
            store.save(make_result(method, seed, accuracy + seed / 100))
    return store


def path_of(store, document):
    name = f"matched-seed{document['seed']}-{document['fingerprint'][:8]}.json"
    return store.folder / document["track"] / document["method"]["name"] / name


def edited(**changes):
    document = make_document("elr", 0, 0.7)
    for where, value in changes.items():
        *parents, last = where.split("__")
        place = document
        for name in parents:
            place[name] = copy.copy(place[name])
            place = place[name]
        place[last] = value
    return document


# What was done to a result of a third method, and what the message must say of it.
TAMPERED = {
    "ranked accuracy": (
        edited(scores__test_accuracy_last10=0.99),
        "test_accuracy_last10 is 0.99, but its curve says",
    ),
    "best accuracy": (edited(scores__test_accuracy_best=0.99), "test_accuracy_best is 0.99"),
    "fingerprint": (edited(fingerprint="0" * 64), "is not that of the spec"),
    "spec": (edited(spec__seed=7), "is not that of the spec"),
    "another seed for the same run": (edited(seed=7), "seed is 7, but the spec says 0"),
    "another method's run": (
        edited(method__name="sce"),
        "method is 'sce', but the spec says 'elr'",
    ),
    "broken schema": (edited(scores__accuracy=0.5), "scores.accuracy"),
    "missing field": ({k: v for k, v in edited().items() if k != "curves"}, "curves"),
    "NaN": (edited(scores__nll=float("nan")), "scores.nll"),
    "infinity in a curve": (edited(curves__loss=[1.0, float("inf"), 0.5]), "curves.loss"),
    "accuracy above 1": (edited(scores__test_accuracy_last=70.0), "scores.test_accuracy_last"),
    "HTML in the method's name": (edited(method__name="<b>elr</b>"), "method.name"),
    "path in the method's name": (edited(method__name="../elr"), "method.name"),
    "another recipe": (edited(method__recipe="native"), "recipe is 'native'"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_it_is_left_out_by_name_and_nothing_else_changes(tmp_path, store, kind):
    document, reason = TAMPERED[kind]
    untouched = render(store.load_all()[0])
    path = store.folder / "cifar100n-resnet34" / "elr" / "matched-seed0-00000000.json"
    if "/" not in document["method"]["name"] and "<" not in document["method"]["name"]:
        path = path_of(store, document)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    done = call("leaderboard", "--output", tmp_path)
    assert done.code == 0, done.err
    assert str(path) in done.err
    assert reason in done.err
    for name, text in untouched.items():
        assert (store.root / name).read_text() == text
    checked = call("leaderboard", "--output", tmp_path, "--check")
    assert checked.code == 1
    assert str(path) in checked.err
    assert reason in checked.err
    assert "run `lnlbench leaderboard`" not in checked.err


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"seed": 1}', b"null", b" " * (17 * 2**20)],
    ids=["empty", "cut", "not UTF-8", "deep", "short", "null", "17 MB"],
)
def test_a_file_that_is_no_result_is_left_out(tmp_path, store, content):
    untouched = render(store.load_all()[0])
    path = store.folder / "cifar100n-resnet34" / "ce" / "matched-seed9-00000000.json"
    path.write_bytes(content)
    done = call("leaderboard", "--output", tmp_path)
    assert done.code == 0, done.err
    assert f"{path} is not a valid result" in done.err
    assert len(done.err) < 1000
    for name, text in untouched.items():
        assert (store.root / name).read_text() == text


def test_a_seed_that_counts_twice_is_refused_with_both_files_and_nothing_is_written(
    tmp_path, store
):
    twin = make_document("ce", 0, 0.5, spec={"workers": 2})
    path = path_of(store, twin)
    path.write_text(json.dumps(twin))
    done = call("leaderboard", "--output", tmp_path)
    assert done.code == 1
    assert str(path) in done.err
    assert "claim the same run" in done.err
    assert list(store.root.glob("[!.]*.*")) == []


def test_a_copy_under_another_name_is_left_out(tmp_path, store):
    original = next(store.folder.rglob("ce/*seed0*"))
    copied = original.with_name(original.name.replace("seed0", "seed5"))
    copied.write_bytes(original.read_bytes())
    done = call("leaderboard", "--output", tmp_path)
    assert done.code == 0
    assert f"{copied} holds the result that belongs at {original}" in done.err


def test_a_result_that_agrees_with_itself_is_one(store):
    document = edited()
    assert document["fingerprint"] == fingerprint(document["spec"])
    path = path_of(store, document)
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    assert store.load_all()[1] == []
