"""`lnlbench verify`: what a result file says, and what running it again gives."""

import json

import pytest
from cli import call, stored
from factories import make_result, run_result

from lnlbench.results.store import result_bytes

SHORT = ("--track", "digits", "--epochs", 2, "--limit-train", 200, "--limit-test", 100)


@pytest.fixture
def result_file(tmp_path):
    call("run", "--method", "ce", *SHORT, "--output", tmp_path, "--device", "cpu", "--quiet")
    [file] = tmp_path.glob("leaderboards/results/**/*.json")
    return file


def changed(file, change):
    """Write the result anew after `change` has edited its document."""
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def test_a_result_that_is_true_is_equal_to_the_last_bit(result_file):
    outcome = call("verify", result_file, "--device", "cpu", "--quiet")
    assert outcome.code == 0
    assert "equal to the last bit" in outcome.out
    answer = json.loads(call("verify", result_file, "--device", "cpu", "--quiet", "--json").out)
    assert answer["results"][str(result_file)]["verdict"] == "equal"


def test_a_score_that_was_edited_is_found(result_file):
    def better(document):
        for name in ("test_accuracy", "test_accuracy_single"):
            document["curves"][name] = [0.9] * 2
        document["scores"]["test_accuracy_last10"] = 0.9

    changed(result_file, better)
    outcome = call("verify", result_file, "--device", "cpu", "--quiet")
    assert outcome.code == 1
    assert "DIFFERENT" in outcome.out and "was 90.00 %" in outcome.out
    assert "curve test_accuracy" in outcome.out
    assert call("verify", result_file, "--quiet", "--tolerance", 1).code == 0


def test_other_hardware_and_other_code_are_named(result_file):
    def elsewhere(document):
        document["environment"]["torch"] = "1.0.0"
        document["method"]["source_sha256"] = "0" * 64
        document["curves"]["loss"] = [1.0, 1.0]

    changed(result_file, elsewhere)
    outcome = call("verify", result_file, "--device", "cpu", "--quiet")
    assert outcome.code == 0
    assert "within the tolerance" in outcome.out
    assert "torch was 1.0.0" in outcome.out and "code was edited" in outcome.out


def test_a_run_that_failed_cannot_be_verified(result_file):
    changed(result_file, lambda document: document.update(status="failed", error="a reason"))
    outcome = call("verify", result_file, "--quiet")
    assert outcome.code == 2
    assert "'failed': there is no finished result" in outcome.err


def test_every_file_is_examined_before_the_first_run_is_repeated(tmp_path, monkeypatch):
    def not_yet(*arguments):
        raise AssertionError("a run was repeated")

    monkeypatch.setattr("lnlbench.runner.verify.execute", not_yet)
    good, failed, foreign = (tmp_path / name for name in ("a.json", "b.json", "c.json"))
    good.write_bytes(result_bytes(run_result("ce")))
    failed.write_bytes(result_bytes(make_result(status="failed", error="a reason")))
    foreign.write_bytes(result_bytes(make_result(environment={"lnlbench": "7.0"})))
    for wrong, words in ((failed, "'failed'"), (foreign, "lnlbench that wrote it: 7.0")):
        outcome = call("verify", good, wrong, "--quiet", "--device", "cpu")
        assert outcome.code == 2 and outcome.out == "", outcome
        assert str(wrong) in outcome.err and words in outcome.err


def test_a_finished_run_of_edited_code_says_so_and_stays(result_file, tmp_path):
    before = result_file.read_text()
    changed(result_file, lambda document: document["method"].update(source_sha256="0" * 64))
    edited = result_file.read_text()
    outcome = call("run", "--method", "ce", *SHORT, "--output", tmp_path, "--device", "cpu")
    assert outcome.code == 0
    assert "other code of the method" in outcome.out and "--overwrite" in outcome.out
    assert result_file.read_text() == edited != before
    assert stored(tmp_path)
