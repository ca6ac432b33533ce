"""Run specs: fingerprints, overrides, and deviations from a track."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.interface.method import Method
from lnlbench.interface.params import Recipe, parse_assignments, validate_params
from lnlbench.plugins import load_plugins
from lnlbench.spec.overrides import override_protocol
from lnlbench.spec.run_spec import build_spec, deviations, parse_spec
from lnlbench.tracks import load_track, track_names
from lnlbench.tracks.schedule import learning_rate_factor


class Example(Method):
    name = "example"
    reference = "Nobody (2026): an example"

    class Params(lnlbench.Params):
        weight: float = Field(1.0, ge=0, le=5, description="How much.")
        mode: str = Field("plain", description="Which way.")

    recipes: ClassVar = {
        "native": Recipe(params={"weight": 2.0}, schedule={"epochs": 7, "optimizer": {"lr": 0.5}}),
        "matched@digits": Recipe(params={"mode": "digits"}),
    }


def test_a_spec_survives_its_json_with_the_same_fingerprint():
    spec = build_spec(Example, "digits", overrides={"epochs": 4}, params={"weight": 3}, seed=2)
    again = parse_spec(spec.model_dump_json(), "text")
    assert again == spec
    assert again.fingerprint == spec.fingerprint
    shuffled = json.dumps(dict(reversed(spec.document().items())))
    assert parse_spec(shuffled, "text").fingerprint == spec.fingerprint


def test_whole_numbers_and_floats_of_one_value_have_one_fingerprint():
    one = build_spec(Example, "digits", params={"weight": 1}, overrides={"optimizer": {"lr": 1}})
    other = build_spec(
        Example, "digits", params={"weight": 1.0}, overrides={"optimizer": {"lr": 1.0}}
    )
    assert one.fingerprint == other.fingerprint


def test_other_spellings_of_the_same_data_are_the_same_run():
    track = build_spec(Example, "cifar100n-scratch")
    changed = {"dataset": "CIFAR-100N", "noise": " Noisy-Fine "}
    spelled = build_spec(Example, "cifar100n-scratch", overrides=changed)
    assert spelled.fingerprint == track.fingerprint
    digits = [
        build_spec(Example, "digits", overrides={"noise": noise}).fingerprint
        for noise in ("symmetric:0.4", "symmetric:0.40", "instance:.4")
    ]
    assert digits[0] == digits[1] != digits[2]
    assert digits[2] == build_spec(Example, "digits").fingerprint


def test_recipes_change_params_and_schedule_and_still_belong_to_the_track():
    native = build_spec(Example, "digits", "native")
    assert native.params == {"weight": 2.0, "mode": "plain"}
    assert native.protocol.epochs == 7
    assert native.protocol.optimizer.lr == 0.5
    assert native.protocol.optimizer.momentum == load_track("digits").protocol.optimizer.momentum
    matched = build_spec(Example, "digits")
    assert matched.params["mode"] == "digits"
    assert build_spec(Example, "cifar100n-scratch").params["mode"] == "plain"
    assert deviations(native, Example) == deviations(matched, Example) == {}


@pytest.mark.parametrize(
    ("schedule", "milestones", "cosine_to"),
    [
        ({"milestones": [0.5]}, (0.5,), None),
        ({"milestones": []}, (), None),
        ({"epochs": 9}, (), 0.01),
        ({"cosine_to": 0.1}, (), 0.1),
    ],
)
def test_a_recipe_replaces_a_tracks_cosine_by_its_steps(schedule, milestones, cosine_to):
    track = load_track("digits")
    falling = override_protocol(track.protocol, {"milestones": [], "cosine_to": 0.01})
    track = track.model_copy(update={"protocol": falling})

    class Stepped(Example):
        recipes: ClassVar = {"native": Recipe(schedule=schedule)}

    spec = build_spec(Stepped, track, "native")
    assert (spec.protocol.milestones, spec.protocol.cosine_to) == (milestones, cosine_to)


def test_a_recipe_replaces_a_tracks_steps_by_its_cosine():
    class Falling(Example):
        recipes: ClassVar = {"native": Recipe(schedule={"cosine_to": 0.1})}

    spec = build_spec(Falling, "digits", "native")
    assert load_track("digits").protocol.milestones
    assert (spec.protocol.milestones, spec.protocol.cosine_to) == ((), 0.1)


def test_deviations_name_exactly_what_was_changed():
    spec = build_spec(
        Example,
        "digits",
        overrides={"epochs": 60, "limit_train": 100, "optimizer": {"lr": 0.3}},
        params={"weight": 4, "mode": "digits"},
    )
    changed = deviations(spec, Example)
    assert changed.keys() == {"limit_train", "optimizer", "params.weight"}
    assert changed["limit_train"] == 100
    assert changed["params.weight"] == 4.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"recipe": "nativ"}, ["nativ", "native"]),
        ({"recipe": "matched@digits"}, ["matched@digits", "Did you mean 'matched'"]),
        ({"params": {"wieght": 1}}, ["wieght", "Did you mean 'weight'", "methods show example"]),
        ({"params": {"weight": 9}}, ["weight", "9", "How much", "less than or equal to 5"]),
        ({"params": {"weight": "x"}}, ["weight", "'x'", "number"]),
        ({"overrides": {"epochs": 0}}, ["--epochs", "0", "greater than or equal to 1"]),
        ({"overrides": {"optimizer": {"lr": -1}}}, ["--lr", "-1", "greater than 0"]),
        ({"overrides": {"limit_train": 1}}, ["--limit-train", "1"]),
        ({"overrides": {"augment": "blur"}}, ["--augment", "blur", "crop-flip"]),
        (
            {"overrides": {"optimizer": {"weight_decay": -1}}},
            ["--weight-decay", "-1", "equal to 0"],
        ),
        (
            {"overrides": {"optimizer": {"nesterov": True, "momentum": 0}}},
            ["nesterov", "momentum 0"],
        ),
        ({"overrides": {"optimizer": {"nesterov": True, "name": "adam"}}}, ["nesterov", "'adam'"]),
        ({"overrides": {"cosine_to": 0.1}}, ["cosine_to", "empty the milestones"]),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(arguments, words):
    with pytest.raises(UsageError) as refusal:
        build_spec(Example, "digits", **arguments)
    for word in words:
        assert word in str(refusal.value)


def test_assignments_are_json_where_they_can_be():
    found = parse_assignments(["a=1", "b=0.5", "c=true", "d=null", "e=[1, 2]", "f=text", "g-h=x=y"])
    assert found == {"a": 1, "b": 0.5, "c": True, "d": None, "e": [1, 2], "f": "text", "g_h": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--set"):
            parse_assignments(wrong)


def test_params_refuse_infinity_and_nan():
    for value in (float("nan"), float("inf")):
        with pytest.raises(UsageError, match="weight"):
            validate_params("example", Example.Params, {"weight": value})


def test_a_field_of_several_types_is_refused_by_its_own_name():
    class Params(lnlbench.Params):
        when: bool | Literal["auto"] = Field("auto", description="When.")

    with pytest.raises(UsageError, match=r"'when' .*'maybe'.* a valid boolean.*; or .*'auto'"):
        validate_params("example", Params, {"when": "maybe"})


def test_the_track_with_a_cosine_ends_at_its_share_of_the_rate():
    protocol = load_track("cifar100n-scratch").protocol
    factors = [learning_rate_factor(protocol, epoch) for epoch in range(protocol.epochs)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == 1.0
    assert protocol.cosine_to == 0.01 < factors[-1] < 0.05


@pytest.mark.parametrize(
    "track", [name for name in track_names() if load_track(name).protocol.cosine_to is None]
)
def test_the_learning_rate_drops_at_its_share_of_the_epochs(track):
    protocol = load_track(track).protocol
    share, epochs = protocol.milestones[0], protocol.epochs
    factors = [learning_rate_factor(protocol, epoch) for epoch in range(epochs)]
    drop = round(share * epochs)
    assert factors == [1.0] * drop + [protocol.gamma] * (epochs - drop)


def test_specs_with_noisy_validation_keep_the_fingerprints_of_before_there_was_another():
    method = load_plugins().method("ce")
    plain = build_spec(method, "digits", overrides={"validation": 0.1})
    said = build_spec(method, "digits", overrides={"validation": 0.1, "validation_labels": "noisy"})
    clean = build_spec(
        method, "digits", overrides={"validation": 0.1, "validation_labels": "clean"}
    )
    assert "validation_labels" not in plain.document()["protocol"]
    assert plain.fingerprint == said.fingerprint != clean.fingerprint
    assert deviations(clean, method) == {"validation": 0.1, "validation_labels": "clean"}
    assert parse_spec(clean.model_dump_json(), "spec") == clean
    damaged = clean.model_dump_json().replace('"validation":0.1', '"validation":0.0')
    with pytest.raises(UsageError, match=r"validation share above 0"):
        parse_spec(damaged, "spec")


def test_specs_without_embeddings_keep_the_fingerprints_of_before_there_were_any():
    method = load_plugins().method("ce")
    spec = build_spec(method, "digits")
    assert not {"embedding", "pretrained"} & spec.document()["protocol"].keys()
    assert spec.fingerprint == "d05ddaffea0594d656a65ab16707a5a586d93f7a16cafcedcb7391dae68cb86a"
    assert deviations(spec, method) == {}


def test_every_committed_result_still_has_the_fingerprint_of_its_spec():
    files = sorted((Path(__file__).parents[2] / "leaderboards" / "results").rglob("*.json"))
    assert files
    for file in files:
        document = json.loads(file.read_text(encoding="utf-8"))
        spec = parse_spec(json.dumps(document["spec"]), str(file))
        assert spec.fingerprint == document["fingerprint"], file


def test_a_frozen_spec_against_a_track_without_and_the_other_way_round():
    method = load_plugins().method("ce")
    frozen = {"backbone": "timm:resnet10t", "embedding": {}}
    spec = build_spec(method, "digits", overrides=frozen)
    assert deviations(spec, method).keys() == {"backbone", "embedding"}
    own = build_spec(method, "cifar100n-embedding")
    thawed = own.model_copy(
        update={"protocol": own.protocol.model_copy(update={"embedding": None})}
    )
    assert deviations(thawed, method) == {"embedding": None}


def test_a_pretrained_spec_survives_its_json_and_is_what_it_deviates_in():
    method = load_plugins().method("ce")
    own = build_spec(method, "cifar100n-pretrained")
    assert deviations(own, method) == {}
    assert parse_spec(own.model_dump_json(), "text") == own
    changed = build_spec(
        method, "cifar100n-pretrained", overrides={"pretrained": {"body_lr_factor": 0.5}}
    )
    expected = own.protocol.pretrained.model_dump() | {"body_lr_factor": 0.5}
    assert deviations(changed, method) == {"pretrained": expected}
    assert changed.fingerprint != own.fingerprint
    scratch = {"backbone": "resnet34", "pretrained": None}
    from_scratch = build_spec(method, "cifar100n-pretrained", overrides=scratch)
    assert "pretrained" not in from_scratch.document()["protocol"]
    assert deviations(from_scratch, method) == scratch


@pytest.mark.parametrize(
    ("pretrained", "words"),
    [
        ({"weights": "c46ab0"}, "--override pretrained.weights was given 'c46ab0': String should"),
        ({"image_size": 7}, "--image-size was given 7: Input should be greater than or equal to 8"),
        ({"body_lr_factor": 0}, "--body-lr-factor was given 0: Input should be greater than 0"),
        ({"body_lr_factor": 1.5}, "--body-lr-factor was given 1.5: Input should be less than"),
        ({"layer_decay": -1}, "--override pretrained.layer_decay was given -1: Input should be"),
        ({"layer_dekay": 0.5}, "--override pretrained.layer_dekay was given 0.5: Extra inputs"),
    ],
)
def test_fields_of_a_pretrained_spec_have_bounds(pretrained, words):
    with pytest.raises(UsageError) as refusal:
        build_spec(Example, "cifar100n-pretrained", overrides={"pretrained": pretrained})
    assert words in str(refusal.value)


def test_a_backbone_is_not_frozen_and_fine_tuned_at_once():
    for track, other in (("cifar100n-pretrained", "embedding"), ("digits", "both")):
        changes = {"embedding": {}} if other == "embedding" else {"embedding": {}, "pretrained": {}}
        with pytest.raises(UsageError, match=r"frozen \(embedding\) or fine-tuned"):
            build_spec(Example, track, overrides=changes)
