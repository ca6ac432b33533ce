"""Specs and runs that cannot be executed are refused: exit code 2, the reason, no traceback."""

import json

import pytest
from cli import SMALL, call
from refusals import assert_refused, files_below

pytestmark = pytest.mark.usefixtures("empty_folder")
CE = ("run", "--track", "digits", "--method", "ce")


def a_spec(**changes):
    document = json.loads(call(*CE, *SMALL, "--print-spec").out)
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("", ("not a run spec", "--print-spec")),
        ("method: ce", ("not a run spec", "JSON")),
        ("[]", ("not a run spec", "object")),
        ('{"track": "digits"}', ("protocol", "required")),
        (lambda: a_spec(schema_version=2), ("schema_version", "1")),
        (lambda: a_spec(colour="red"), ("colour", "not permitted")),
        (lambda: a_spec(seed=-1), ("seed", "greater than or equal to 0")),
        (lambda: a_spec(method="cf"), ("'cf'", "Did you mean 'ce'?")),
        (lambda: a_spec(track="digit"), ("'digit'", "Did you mean 'digits'?")),
        (lambda: a_spec(recipe="native"), ("'native'", "matched")),
        (lambda: a_spec(params={"lambda_u": 1}), ("'lambda_u'",)),
    ],
)
def test_a_spec_that_is_none(tmp_path, empty_folder, text, texts):
    file = tmp_path / "spec.json"
    file.write_text(text if isinstance(text, str) else text())
    assert_refused(call("run", "--spec", file), *texts)
    assert files_below(empty_folder) == []


def test_a_spec_that_is_not_text(tmp_path):
    file = tmp_path / "spec.json"
    file.write_bytes(b"\xff\xfe{}")
    assert_refused(call("run", "--spec", file), str(file), "utf-8")


@pytest.mark.parametrize("field", ["track", "method", "recipe"])
@pytest.mark.parametrize("name", ["../../../out", "{folder}/out", "a/b", ".."])
def test_a_spec_cannot_leave_the_output_folder(tmp_path, field, name):
    name = name.format(folder=tmp_path)
    output = tmp_path / "deep" / "output"
    file = tmp_path / "spec.json"
    file.write_text(a_spec(**{field: name}))
    before = set(tmp_path.rglob("*"))
    assert_refused(call("run", "--spec", file, "--output", output), repr(name))
    assert set(tmp_path.rglob("*")) == before


def test_a_damaged_spec_of_a_run_is_refused_on_resume(tmp_path):
    folder = tmp_path / "runs" / "digits" / "ce" / "matched-seed0-00000000"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_bytes(b"\xff{")
    assert_refused(call("run", "--resume", folder), str(folder / "spec.json"))


def test_resume_refuses_another_output_and_takes_its_own(tmp_path):
    folder = tmp_path / "runs" / "digits" / "ce" / "matched-seed0-00000000"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(a_spec())
    resume = ("run", "--resume", folder, "--print-spec", "--output")
    assert_refused(call(*resume, tmp_path / "other"), str(tmp_path), "leave --output out")
    assert call(*resume, tmp_path).code == 0


def test_a_spec_file_outside_of_an_output_folder_is_no_run(tmp_path):
    # --resume writes beside the run: a spec that lies elsewhere says nothing about where.
    (tmp_path / "spec.json").write_text(a_spec())
    assert_refused(call("run", "--resume", tmp_path), str(tmp_path), "--spec")
    assert [path.name for path in tmp_path.iterdir() if path.name != "work"] == ["spec.json"]
