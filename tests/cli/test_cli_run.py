"""`lnlbench run`: what it prints, what it writes, and what it runs."""

import json

import pytest
from cli import SMALL, call, essence, run_process, snapshot
from printed import printed_specs, results_of

from lnlbench.results import Result, ResultStore, fingerprint
from lnlbench.spec.run_spec import parse_spec

CE = ("run", "--method", "ce", *SMALL)
TINY = ("run", "--track", "digits", "--limit-train", "80", "--limit-test", "20", "--epochs", "1")
OVERRIDES = {"epochs": 2, "limit_train": 200, "limit_test": 100}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """One run through the real entry point: its folder, and how the command ended."""
    folder = tmp_path_factory.mktemp("first")
    return folder, run_process(*CE, "--json", cwd=folder)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The same run in this process: its folder and its result."""
    folder = tmp_path_factory.mktemp("reference")
    [result] = results_of(call(*CE, "--json", "--output", folder))
    return folder, result


def test_json_is_one_object_on_stdout_and_progress_goes_to_stderr(first):
    _, outcome = first
    assert outcome.code == 0
    assert list(json.loads(outcome.out)) == ["results"]
    for text in ("ce · digits · seed 0: 2 epochs", "epoch 1/2", "epoch 2/2", "done"):
        assert text in outcome.err
    assert "\x1b" not in outcome.out + outcome.err


def test_the_result_is_valid_and_lists_exactly_the_overrides(first):
    _, outcome = first
    [document] = results_of(outcome)
    result = Result.model_validate(document)
    assert result.status == "done"
    assert result.off_track.overrides == OVERRIDES
    assert result.fingerprint == fingerprint(result.spec)
    assert (result.data.num_train, result.data.num_test) == (200, 100)
    assert {len(curve) for curve in result.curves.values()} == {2}
    assert "not in the track's table" in outcome.err


def test_the_files_are_where_they_are_said_to_be(first):
    folder, outcome = first
    [printed] = json.loads(outcome.out)["results"]
    file, directory = folder / printed["result_file"], folder / printed["run_directory"]
    assert file.is_relative_to(folder / "leaderboards/results/off-track/digits/ce")
    assert directory.is_relative_to(folder / "runs/digits/ce")
    assert json.loads(file.read_text()) == printed["result"]
    assert (directory / "result.json").read_bytes() == file.read_bytes()
    spec = parse_spec((directory / "spec.json").read_text(), "spec.json")
    assert spec.document() == printed["result"]["spec"]
    results, bad = ResultStore(folder / "leaderboards").load_all()
    assert (len(results), bad) == (1, [])


def test_a_second_call_says_already_done_and_changes_no_file(reference):
    folder, result = reference
    before = snapshot(folder)
    outcome = call(*CE, "--json", "--output", folder)
    assert "already done; --overwrite runs it again" in outcome.err
    assert results_of(outcome) == [result]
    assert snapshot(folder) == before


def test_overwrite_runs_again_and_gives_the_same_result(tmp_path):
    arguments = (*TINY, "--method", "ce", "--json", "--output", tmp_path)
    [once] = results_of(call(*arguments))
    outcome = call(*arguments, "--overwrite")
    [again] = results_of(outcome)
    assert "epoch 1/1" in outcome.err
    assert "already" not in outcome.err
    assert again["cost"] != once["cost"]
    assert essence(again) == essence(once)


@pytest.mark.parametrize(
    ("text", "expected"), [("2", [0, 1]), ("0-1", [0, 1]), ("0,3", [0, 3]), ("4,1,4", [4, 1])]
)
def test_seeds(text, expected):
    specs = printed_specs("--track", "digits", "--method", "ce", "--seeds", text)
    assert [spec["seed"] for spec in specs] == expected


def test_several_methods_and_seeds_run_in_order_and_share_a_summary(tmp_path):
    arguments = (*TINY, "--method", "ce,dividemix", "--method", "ce", "--seeds", "0,3")
    results = results_of(call(*arguments, "--json", "--output", tmp_path))
    names = [(result["method"]["name"], result["seed"]) for result in results]
    assert names == [("ce", 0), ("ce", 3), ("dividemix", 0), ("dividemix", 3)]
    assert len({result["fingerprint"] for result in results}) == 4
    # The noise belongs to the track: every seed learns from the same labels.
    assert len({result["data"]["labels_sha256"] for result in results}) == 1
    assert results[0]["curves"] != results[1]["curves"]

    outcome = call(*arguments, "--output", tmp_path, COLUMNS="120")
    assert outcome.out.count("already done") == 4
    summary = outcome.out.split("best (test-selected)")[1]
    rows = [line for line in summary.splitlines() if "done" in line]
    assert [("dividemix" in row, "%" in row) for row in rows] == [
        (False, True),
        (False, True),
        (True, True),
        (True, True),
    ]


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_a_printed_spec_can_be_executed(reference, tmp_path, source):
    _, expected = reference
    text = call(*CE, "--print-spec").out
    file = tmp_path / "spec.json"
    file.write_text(text)
    chosen = "-" if source == "standard input" else file
    [result] = results_of(call("run", "--spec", chosen, "--json", "--output", tmp_path, stdin=text))
    assert result["fingerprint"] == expected["fingerprint"]
    assert essence(result) == essence(expected)


def test_print_spec_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed_specs("--method", "ce", *SMALL)
    assert list(tmp_path.iterdir()) == []


def test_compiled_networks_are_asked_for_and_named_with_the_device(tmp_path, monkeypatch):
    sizes = []

    def run_compiled(body, images):
        sizes.append(len(images))
        return body(images)

    monkeypatch.setattr("lnlbench.networks.precision.run_compiled", run_compiled)
    common = (*TINY, "--method", "ce", "--batch-size", "32", "--json", "--output")
    [plain] = results_of(call(*common, tmp_path / "plain"))
    assert sizes == []
    [compiled] = results_of(call(*common, tmp_path / "compiled", "--compile"))
    # Two full batches and one of 16, half a batch; evaluation is not compiled.
    assert sizes == [32, 32, 16]
    device = plain["environment"]["device"]
    assert compiled["environment"]["device"] == f"{device}, compiled"
    assert compiled["fingerprint"] == plain["fingerprint"]
    assert compiled["scores"] == plain["scores"]


def test_quiet_prints_one_line_for_each_result(tmp_path):
    outcome = call(*TINY, "--method", "ce", "--seeds", "2", "--quiet", "--output", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert len(lines) == 2
    for seed, line in enumerate(lines):
        assert line.startswith(f"ce · digits · seed {seed}: done, test_accuracy_last10 ")
    again = call(*TINY, "--method", "ce", "--quiet", "--output", tmp_path)
    assert "already done" in again.out


def test_quiet_leaves_the_one_json_object_alone(tmp_path):
    outcome = call(*TINY, "--method", "ce", "--quiet", "--json", "--output", tmp_path)
    assert results_of(outcome)[0]["status"] == "done"
    assert outcome.err == ""


def test_validation_selects_an_epoch_and_clean_noise_is_clean(tmp_path):
    flags = ("--validation", "0.25", "--noise", "clean")
    [result] = results_of(call(*CE, *flags, "--json", "--output", tmp_path))
    assert result["data"]["num_train"] == 150
    assert result["data"]["noise_rate"] == 0
    assert result["scores"]["memorization"] is None
    curves = result["curves"]
    best = curves["validation_accuracy"].index(max(curves["validation_accuracy"]))
    assert result["scores"]["test_accuracy_selected"] == curves["test_accuracy"][best]


def test_clean_validation_selects_with_clean_labels_and_is_marked_as_an_oracle(tmp_path):
    flags = ("--validation", "0.25", "--noise", "symmetric:0.6", "--json", "--output", tmp_path)
    [usual] = results_of(call(*CE, *flags))
    [clean] = results_of(call(*CE, *flags, "--validation-labels", "clean"))
    assert (usual["method"]["oracle"], clean["method"]["oracle"]) == ([], ["clean_validation"])
    assert clean["fingerprint"] != usual["fingerprint"]
    assert clean["off_track"]["overrides"]["validation_labels"] == "clean"
    # The same training: only what is looked at beside it differs.
    assert clean["data"] == usual["data"]
    for curve in ("loss", "test_accuracy", "train_accuracy_clean", "train_accuracy_noisy"):
        assert clean["curves"][curve] == usual["curves"][curve]
        assert None not in clean["curves"][curve]
    validation = clean["curves"]["validation_accuracy"]
    assert None not in validation
    assert validation != usual["curves"]["validation_accuracy"]
    selected = clean["curves"]["test_accuracy"][validation.index(max(validation))]
    assert clean["scores"]["test_accuracy_selected"] == selected
    board = json.loads(call("leaderboard", "--format", "json", "--output", tmp_path).out)
    marks = {row["oracle"]: row["rank"] for row in board["off_track"]}
    assert marks == {"": None, "clean_validation": None}
