"""Tuned recipes: in specs, on the command line, and marked in every table."""

import csv
import io
import json

import pytest
from cli import call, stored
from factories import make_result
from tuned import make_tuning

from lnlbench.errors import UsageError
from lnlbench.leaderboard.render.files import combined_html, render
from lnlbench.leaderboard.repeat import commands
from lnlbench.leaderboard.table import build_tables
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.results.tuning import read_tuning
from lnlbench.spec.run_spec import build_spec, deviations, parse_spec

TINY = ("--limit-train", "80", "--limit-test", "20", "--epochs", "1", "--quiet")


@pytest.fixture(scope="module")
def gce():
    return load_plugins().method("gce")


def write(folder, document):
    file = folder / "recipe.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def test_a_tuned_spec_belongs_to_its_track_and_is_another_run_than_the_same_values(gce):
    tuning = make_tuning()
    spec = build_spec(gce, "digits", params={}, tuning=tuning)
    assert (spec.params, spec.recipe) == ({"q": 0.4}, "tuned")
    assert deviations(spec, gce) == {}
    again = parse_spec(spec.model_dump_json(), "text")
    assert (again, again.fingerprint) == (spec, spec.fingerprint)
    by_hand = build_spec(gce, "digits", params={"q": 0.4})
    assert by_hand.fingerprint != spec.fingerprint
    assert "tuning" not in by_hand.document()
    other = build_spec(gce, "digits", tuning=make_tuning(trials=31))
    assert other.fingerprint != spec.fingerprint


def test_a_change_of_a_tuned_recipe_is_off_track(gce):
    spec = build_spec(gce, "digits", params={"q": 0.5}, tuning=make_tuning())
    assert deviations(spec, gce) == {"params.q": 0.5}


def test_a_base_recipe_keeps_its_schedule(gce):
    native = build_spec(gce, "digits", "native")
    tuning = make_tuning(base="native", recipe="native-tuned")
    spec = build_spec(gce, "digits", tuning=tuning)
    assert spec.protocol == native.protocol
    assert deviations(spec, gce) == {}


def test_what_was_found_goes_before_what_the_base_says_and_the_rest_of_the_base_stays():
    dividemix = load_plugins().method("dividemix")
    base = build_spec(dividemix, "digits").params
    assert base["warmup_epochs"] == 12
    tuning = make_tuning(method="dividemix", params={"lambda_u": 3.0})
    assert build_spec(dividemix, "digits", tuning=tuning).params == {**base, "lambda_u": 3.0}
    tuning = make_tuning(method="dividemix", params={"warmup_epochs": 5})
    assert build_spec(dividemix, "digits", tuning=tuning).params == {**base, "warmup_epochs": 5}


@pytest.mark.parametrize("name", ["method", "track", "recipe"])
def test_a_recipe_serves_only_what_it_was_tuned_for(gce, name):
    document = build_spec(gce, "digits", tuning=make_tuning()).document()
    document[name] = {"method": "ce", "track": "cifar100n-scratch", "recipe": "matched"}[name]
    with pytest.raises(UsageError, match="was tuned for"):
        parse_spec(json.dumps(document), "text")


def test_a_recipe_file_runs_and_its_result_serves_as_one(tmp_path):
    file = write(tmp_path, make_tuning().model_dump(mode="json"))
    outcome = call("run", "--recipe-file", file, *TINY, "--seed", "3", "--output", tmp_path)
    assert outcome.code == 0, outcome.err
    result = stored(tmp_path)
    assert result["method"]["recipe"] == "tuned"
    assert result["method"]["params"] == {"q": 0.4}
    assert "params.q" not in result["off_track"]["overrides"]
    [kept] = (tmp_path / "leaderboards").rglob("*.json")
    assert read_tuning(kept) == read_tuning(file) == make_tuning()
    spec_file = next((tmp_path / "runs").rglob("spec.json"))
    assert read_tuning(spec_file) == make_tuning()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Cannot read"),
        ("[]", "not a recipe file"),
        ({"trials": 3}, "method: Field required"),
        ({**make_tuning().model_dump(), "recipe": "../x"}, "recipe"),
        ({**make_tuning().model_dump(), "more": 1}, "more"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, document, words):
    outcome = call("run", "--recipe-file", write(tmp_path, document), *TINY)
    assert (outcome.code, "Traceback" in outcome.err) == (2, False)
    assert words in outcome.err


def test_a_sweep_of_recipe_files_runs_what_run_would(tmp_path):
    first = write(tmp_path, make_tuning().model_dump(mode="json"))
    second = tmp_path / "other.json"
    other = make_tuning(method="dividemix", params={"lambda_u": 3.0})
    second.write_text(other.model_dump_json())
    expected = []
    for file in (first, second):
        printed = call("run", "--recipe-file", file, "--seeds", "2", "--print-spec").out
        expected += [parse_spec(line, "line").fingerprint for line in printed.splitlines()]
    both = ("--recipe-file", first, "--recipe-file", second, "--seeds", "2")
    flags = call("sweep", *both, "--output", tmp_path, "--dry-run", "--json")
    assert [run["fingerprint"] for run in json.loads(flags.out)["runs"]] == expected
    paper = tmp_path / "paper.toml"
    paper.write_text(f"[[grid]]\nrecipe_file = [{str(first)!r}, {str(second)!r}]\nseeds = 2\n")
    from_file = call("sweep", paper, "--output", tmp_path, "--dry-run", "--json")
    assert from_file.out == flags.out
    narrow = paper.read_text().replace("seeds", 'method = "gce"\nseeds')
    paper.write_text(narrow)
    refused = call("sweep", paper)
    assert refused.code == 2
    assert "grid.0: Value error, a recipe file says which method" in refused.err


@pytest.mark.parametrize(
    "arguments", [("--method", "gce"), ("--track", "digits"), ("--recipe", "native")]
)
@pytest.mark.parametrize("verb", ["run", "sweep", "plan"])
def test_what_a_recipe_file_says_is_not_said_again(tmp_path, verb, arguments):
    file = write(tmp_path, make_tuning().model_dump(mode="json"))
    outcome = call(verb, "--recipe-file", file, *arguments)
    assert outcome.code == 2
    assert "leave out" in outcome.err


def tuned_results():
    settings = {"track": "digits", "recipe": "tuned", "params": {"q": 0.4}}
    specs = [{"tuning": make_tuning(trials=n).model_dump(mode="json")} for n in (30, 60)]
    results = [make_result("gce", seed, 0.5, track="digits", params={"q": 0.7}) for seed in (0, 1)]
    results += [make_result("gce", 0, 0.6, **settings, spec=spec) for spec in specs]
    return results


def test_tuned_rows_say_so_with_trials_and_cost_and_share_no_row():
    [table] = build_tables(tuned_results())
    notes = {row.note.partition(";")[0] for row in table.rows if row.tuning}
    assert notes == {"tuned: 30 trials, 90.0 min", "tuned: 60 trials, 90.0 min"}
    [default] = [row for row in table.rows if row.tuning is None]
    assert ("tuned" in default.note, len(default.by_seed)) == (False, 2)


def test_every_page_marks_tuned_rows():
    pages = render(tuned_results())
    assert "tuned: 30 trials, 90.0 min" in pages["digits.md"]
    assert "tuned: 30 trials, 90.0 min" in pages["index.html"]
    assert "4 pruned, 1 failed" in combined_html(tuned_results())
    rows = list(csv.DictReader(io.StringIO(pages["digits.csv"])))
    found = {(row["recipe"], row["tuning_trials"], row["tuning_seconds"]) for row in rows}
    assert found == {("matched", "", ""), ("tuned", "30", "5400.0"), ("tuned", "60", "5400.0")}


def test_a_tuned_row_is_repeated_from_a_result_that_holds_its_recipe():
    [table] = build_tables(tuned_results())
    [row] = [row for row in table.rows if row.tuning and row.tuning.trials == 30]
    [line] = commands(row)
    assert line.startswith("lnlbench run --recipe-file leaderboards/results/digits/gce/tuned-seed0")
    assert line.endswith("--seeds 1")


def test_results_of_two_searches_do_not_replace_each_other(tmp_path):
    store = ResultStore(tmp_path)
    files = {store.save(result) for result in tuned_results()}
    assert len(files) == 4


def test_a_result_whose_recipe_is_for_another_method_is_refused():
    spec = {"tuning": make_tuning(method="elr").model_dump(mode="json")}
    with pytest.raises(ValueError, match="tuned"):
        make_result("gce", 0, track="digits", recipe="tuned", spec=spec)
