"""Results that contradict themselves: each is one lie told to a result that is in order."""

import copy
from pathlib import Path

import pytest
from cli import call
from factories import DIAGNOSTICS, merged, run_document, run_result

from lnlbench.leaderboard.contradictions import contradictions, without_contradictions
from lnlbench.plugins import load_plugins
from lnlbench.results import Result, ResultStore, fingerprint
from lnlbench.spec.recorded import denied_by_code

STORE = ResultStore(Path("leaderboards"))
PLUGINS = load_plugins()
# 10 test images, 9 of 10 training labels true, and an expected calibration error of 0.3.
SEEN = {
    "diagnostics": merged(
        DIAGNOSTICS,
        {
            "snapshots": [{"epoch": 59, "histograms": []}],
            "reliability": {
                "count": [0, 10],
                "confidence": [None, 0.8],
                "accuracy": [None, 0.5],
            },
            "classes": {"given": [6, 4]},
            "label_confusion": {"true": [0], "given": [1], "count": [1]},
        },
    ),
    "data": {"num_train": 10, "num_test": 10, "noise_rate": 0.1},
    "scores": {"ece": 0.3, "label_precision": 0.75},
    "cost": {"train_seconds": 90.0},
}


def problems(document):
    document["fingerprint"] = fingerprint(document["spec"])
    return contradictions(STORE, [Result.model_validate(document)])


@pytest.mark.parametrize(
    "document",
    [
        run_document(**copy.deepcopy(SEEN)),
        run_document("gce", recipe="native"),
        run_document("knn", params={"neighbors": 5}),
        run_document("dividemix", overrides={"epochs": 7, "precision": "bf16"}),
        run_document("ce-clean", track="cifar100n-resnet34"),
    ],
    ids=["ce", "a native recipe", "a parameter", "overrides", "an oracle"],
)
def test_a_result_in_order_is_not_accused(document):
    result = Result.model_validate(document)
    assert contradictions(STORE, [result]) == []
    assert denied_by_code(result, PLUGINS) == []
    assert without_contradictions(STORE, [result]) == ([result], [])


@pytest.mark.parametrize("method", sorted(PLUGINS.methods))
def test_no_recipe_of_a_method_is_taken_for_an_override(method):
    for recipe in {name.partition("@")[0] for name in PLUGINS.method(method).recipes}:
        result = run_result(method, recipe=recipe)
        assert result.off_track is None
        assert contradictions(STORE, [result]) == []
        assert denied_by_code(result, PLUGINS) == []


def cut(document):
    document["curves"] = {name: curve[:6] for name, curve in document["curves"].items()}


def stretch(document):
    document["status"], document["error"], document["scores"] = "failed", "x", {}
    document["curves"] = {name: [*curve, curve[-1]] for name, curve in document["curves"].items()}


def edited(*keys, value):
    def change(document):
        *path, last = keys
        for key in path:
            document = document[key]
        document[last] = value

    return change


LIES = {
    "a curve shorter than its protocol's epochs": (cut, "has 6 epochs, but its protocol 60"),
    "a curve longer than its protocol's epochs": (stretch, "has 61 epochs"),
    "a spec of other data": (
        edited("spec", "protocol", "noise", value="symmetric:0.1"),
        "asks for noise 'symmetric:0.1', but the run had 'instance:0.4'",
    ),
    "a spec of another precision": (
        edited("spec", "protocol", "precision", value="bf16"),
        "asks for precision 'bf16', but the run had 'fp32'",
    ),
    "a spec of another network than the track's": (
        edited("spec", "protocol", "backbone", value="resnet18"),
        "its spec has backbone 'resnet18', but its track",
    ),
    "a share of the training set": (
        edited("spec", "protocol", "limit_train", value=100),
        "limit_train 100, but its track None, and it states no override",
    ),
    "other parameters than the spec's": (
        edited("method", "params", value={"q": 1}),
        "parameters are not those of its spec",
    ),
    "an oracle of clean validation labels that is not stated": (
        edited("spec", "protocol", "validation_labels", value="clean"),
        "lacks 'clean_validation'",
    ),
    "memorization": (
        edited("scores", "memorization", value=0.01),
        "memorization is 0.01, but its curve says 0.3",
    ),
    "a score without a curve": (
        edited("scores", "clean_auroc", value=None),
        "clean_auroc is None, but its curve says 0.9",
    ),
    "a single network's accuracy without its curve": (
        edited("scores", "test_accuracy_last10_single", value=0.4),
        "test_accuracy_last10_single is 0.4, but its curve says None",
    ),
    "an ECE that curve and score share": (
        lambda d: (
            d["scores"].update(ece=0.01),
            d["curves"].update(ece=[*d["curves"]["ece"][:-1], 0.01]),
        ),
        "ece is 0.01, but its reliability says 0.3000",
    ),
    "an accuracy of other test images": (
        edited("diagnostics", "reliability", "accuracy", value=[None, 0.7]),
        "test_accuracy_last is 0.5, but its reliability says 0.7000",
    ),
    "fewer test images than there are": (
        edited("diagnostics", "reliability", "count", value=[0, 9]),
        "counts 9 of 10 test images",
    ),
    "fewer training images than there are": (
        edited("diagnostics", "classes", "given", value=[5, 4]),
        "count 9 of 10 training images",
    ),
    "another noise rate": (
        edited("data", "noise_rate", value=0.4),
        "noise_rate is 0.4, but its wrong labels are 0.100000 of all",
    ),
    "a snapshot after the last epoch": (
        edited("diagnostics", "snapshots", value=[{"epoch": 60, "histograms": []}]),
        "a snapshot after epoch 61 of 60",
    ),
    "less time than its epochs took": (
        edited("cost", "wall_seconds", value=80.0),
        "trained for 90.0 s, longer than the 80.0 s of the whole run",
    ),
}


@pytest.mark.parametrize(("lie", "words"), LIES.values(), ids=LIES)
def test_a_lie_is_named(lie, words):
    document = run_document(**copy.deepcopy(SEEN))
    lie(document)
    found = problems(document)
    assert any(words in problem for problem in found), found
    assert all("--overwrite" in problem for problem in found)


def test_an_override_that_is_not_the_specs_is_named():
    document = run_document("ce", overrides={"epochs": 7})
    document["off_track"]["overrides"]["epochs"] = 8
    [found] = problems(document)
    assert "it states epochs 8, but its spec 7" in found


def test_one_seeds_curves_in_all_seeds_are_named_in_each():
    curves = run_document("ce", 0)["curves"]
    seeds = [run_result("ce", seed, curves=copy.deepcopy(curves)) for seed in range(3)]
    honest = run_result("gce", 0)
    found = contradictions(STORE, [*seeds, honest])
    assert {problem.partition("-seed")[2][0] for problem in found} == {"0", "1", "2"}
    assert without_contradictions(STORE, [*seeds, honest])[0] == [honest]


def test_a_method_without_a_loss_may_give_the_same_for_every_seed_but_in_another_time():
    def seed(number, seconds):
        document = run_document("knn", number, cost={"wall_seconds": seconds})
        del document["curves"]["loss"]
        return Result.model_validate(document)

    assert contradictions(STORE, [seed(0, 1.5), seed(1, 1.25)]) == []
    assert len(contradictions(STORE, [seed(0, 1.5), seed(1, 1.5)])) == 2


def in_a_table(**changes):
    return Result.model_validate(merged(run_document("ce-clean"), changes))


CODE = {
    "an oracle that was emptied": (
        in_a_table(method={"oracle": []}),
        "its oracle is [], but the installed method's ['clean_labels']",
    ),
    "another number of networks": (
        in_a_table(method={"networks": 2}),
        "it has 2 networks, but the method 1",
    ),
    "overrides that are not stated": (
        run_result("ce", overrides={"epochs": 7}, off_track=None),
        "stands in its track's table, but its spec overrides epochs",
    ),
}


@pytest.mark.parametrize(("result", "words"), CODE.values(), ids=CODE)
def test_what_installed_code_denies_is_refused(result, words, tmp_path):
    [problem] = denied_by_code(result, PLUGINS)
    assert words in problem
    ResultStore(tmp_path / "leaderboards").save(result)
    assert call("leaderboard", "--output", tmp_path).code == 0
    refused = call("leaderboard", "--output", tmp_path, "--check")
    assert refused.code == 1
    assert words in " ".join(refused.err.split())


def test_a_spec_that_is_none_is_refused_and_a_method_that_is_not_installed_is_not():
    result = run_result("ce")
    [problem] = denied_by_code(result.model_copy(update={"spec": {"track": "digits"}}), PLUGINS)
    assert "its spec is not a run spec" in problem
    stranger = result.model_copy(update={"spec": {**result.spec, "method": "stranger"}})
    assert denied_by_code(stranger, PLUGINS) == []
