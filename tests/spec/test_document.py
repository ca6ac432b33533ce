"""Documents leave out what says nothing, so that old files keep their fingerprints."""

import json
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from registry import BUILTIN

from lnlbench.document import Document, LeftOut
from lnlbench.interface.params import validate_params
from lnlbench.results import Result
from lnlbench.spec.run_spec import parse_spec

RESULTS = sorted((Path(__file__).parents[2] / "leaderboards" / "results").rglob("*.json"))


class Inner(Document):
    size: Annotated[int | None, LeftOut()] = None


class Example(Document):
    always: int = 1
    kind: Annotated[str, LeftOut()] = "plain"
    width: Annotated[int, LeftOut(unless=("kind", ("wide", "wider")))] = 3
    shares: Annotated[tuple[float, ...], LeftOut()] = Field(default_factory=tuple)
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, {"always": 1, "inner": {}}),
        ({"always": 1, "kind": "plain", "shares": ()}, {"always": 1, "inner": {}}),
        ({"shares": (0.5,)}, {"always": 1, "shares": [0.5], "inner": {}}),
        ({"width": 9}, {"always": 1, "inner": {}}),
        ({"kind": "thin", "width": 9}, {"always": 1, "kind": "thin", "inner": {}}),
        ({"kind": "wide"}, {"always": 1, "kind": "wide", "width": 3, "inner": {}}),
        ({"inner": {"size": 0}}, {"always": 1, "inner": {"size": 0}}),
    ],
)
def test_fields_that_say_nothing_are_left_out(given, written):
    example = Example(**given)
    assert example.model_dump(mode="json") == written
    assert json.loads(example.model_dump_json()) == written


def test_a_subclass_and_a_model_around_it_leave_out_the_same():
    class More(Example):
        color: Annotated[str, LeftOut()] = "red"

    class Around(BaseModel):
        more: More

    assert Around(more=More()).model_dump() == {"more": {"always": 1, "inner": {}}}
    assert More(color="blue").model_dump()["color"] == "blue"


def test_committed_results_are_written_as_they_were_read():
    assert RESULTS
    for file in RESULTS:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
        assert json.loads(Result.model_validate_json(text).model_dump_json()) == document, file
        spec = parse_spec(json.dumps(document["spec"]), str(file))
        assert spec.document() == document["spec"], file
        assert spec.fingerprint == document["fingerprint"], file
        if spec.method in BUILTIN:
            params = validate_params(spec.method, BUILTIN[spec.method].Params, spec.params)
            assert params.model_dump(mode="json") == spec.params, file
