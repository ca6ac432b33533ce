import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from factories import make_document, make_result, merged
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lnlbench.results import Result, fingerprint, result_json_schema
from lnlbench.results.store import result_bytes

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "result.schema.json"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def test_fingerprint_is_the_hash_of_sorted_compact_utf8_json():
    expected = hashlib.sha256('{"a":1,"é":[true,null,0.5]}'.encode()).hexdigest()
    assert fingerprint({"é": [True, None, 0.5], "a": 1}) == expected


def test_fingerprint_refuses_nan():
    with pytest.raises(ValueError, match="Out of range"):
        fingerprint({"lr": float("nan")})


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), json_values))
def test_a_result_survives_its_file_with_any_spec(spec):
    result = make_result(spec={"extra": spec})
    assert Result.model_validate_json(result_bytes(result)) == result


def test_file_bytes_are_indented_by_two_and_sorted():
    text = result_bytes(make_result()).decode()
    keys = list(json.loads(text))
    assert keys == sorted(keys)
    assert text.startswith('{\n  "cost": {\n    "peak')
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"surprise": 1}, "surprise"),
        ({"scores": {"accuracy": 0.5}}, "scores.accuracy"),
        ({"data": {"extra": 1}}, "data.extra"),
        ({"scores": {"test_accuracy_last": 50.0}}, "scores.test_accuracy_last"),
        ({"scores": {"test_accuracy_last": float("nan")}}, "scores.test_accuracy_last"),
        ({"scores": {"test_accuracy_last": "0.5"}}, "scores.test_accuracy_last"),
        ({"scores": {"test_accuracy_last10": None}}, "must have scores.test_accuracy_last10"),
        ({"scores": {"nll": float("inf")}}, "scores.nll"),
        ({"cost": {"extra_seconds": float("inf")}}, "cost.extra_seconds"),
        ({"cost": {"extra_seconds": "much"}}, "cost.extra_seconds"),
        ({"environment": {"load": float("nan")}}, "environment"),
        ({"environment": {"device": "\ud800"}}, "environment"),
        ({"curves": {"test_accuracy": [0.1, 1.5, 0.5]}}, "leaves [0, 1]"),
        ({"curves": {"loss": [0.1]}}, "one number per epoch"),
        ({"status": "finished"}, "status"),
        ({"status": "failed"}, "must say why"),
        ({"error": "but it is done"}, "cannot have an 'error'"),
        ({"schema_version": 2}, "schema_version"),
        ({"seed": -1}, "seed"),
        ({"created": "yesterday"}, "created"),
        ({"data": {"labels_sha256": "xyz"}}, "data.labels_sha256"),
        ({"fingerprint": "0" * 64}, "is not that of the spec"),
    ],
)
def test_an_invalid_document_is_refused_where_it_is_wrong(changes, where):
    with pytest.raises(ValidationError) as caught:
        Result.model_validate(merged(make_document(), changes))
    errors = [f"{'.'.join(map(str, e['loc']))} {e['msg']}" for e in caught.value.errors()]
    assert any(where in error for error in errors), errors


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "../x", "a..b", "-a", "a\n", "a b", "a.", "x" * 81, "é"]
)
@pytest.mark.parametrize("place", ["track", "method", "recipe"])
def test_a_name_that_could_leave_its_folder_is_refused(place, name):
    document = make_document()
    changes = {"track": name} if place == "track" else {"method": {place: name}}
    if place == "method":
        changes = {"method": {"name": name}}
    with pytest.raises(ValidationError, match="cannot be a name"):
        Result.model_validate(merged(document, changes))


def test_off_track_is_no_track_name():
    with pytest.raises(ValidationError, match="not a track"):
        make_result(track="off-track")


def test_an_error_with_undecodable_bytes_can_be_saved():
    result = make_result(status="failed", error="no such file: caf\udce9.png")
    assert b"caf\\\\udce9.png" in result_bytes(result)


def test_a_file_from_before_a_score_existed_is_valid_and_keeps_its_bytes():
    before = make_result(scores={"nll": 1.5})
    assert before.scores.brier is None
    assert "brier" not in json.loads(result_bytes(before))["scores"]
    after = make_result(scores={"nll": 1.5, "brier": 0.25})
    assert json.loads(result_bytes(after))["scores"]["brier"] == 0.25


def test_the_committed_json_schema_is_current():
    assert json.loads(SCHEMA_FILE.read_text()) == result_json_schema(), (
        "docs/result.schema.json is stale: docs/guide/results.md says how to write it again"
    )


@pytest.mark.parametrize("status", ["done", "failed"])
def test_results_satisfy_the_committed_json_schema(status):
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(result_bytes(make_result(status=status)))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"surprise": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(merged(document, {"scores": {"ece": 1.5}}), schema)


def test_every_field_of_a_result_is_explained():
    page = (SCHEMA_FILE.parent / "guide" / "results.md").read_text()
    definitions = result_json_schema()["$defs"]
    fields = set(Result.model_fields)
    for part in ("Data", "MethodInfo", "Scores", "Cost", "Event"):
        fields |= set(definitions[part]["properties"])
    missing = [field for field in sorted(fields) if f"`{field}`" not in page.replace(".", "`")]
    assert not missing
