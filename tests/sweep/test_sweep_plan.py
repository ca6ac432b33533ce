"""Which runs a sweep means, which of them are missing, how long they take, and `lnlbench plan`."""

import json
import shlex
from pathlib import Path

import pytest
from cli import call, snapshot
from factories import make_document

from lnlbench.plugins import load_plugins
from lnlbench.results import Result
from lnlbench.results.fingerprint import fingerprint
from lnlbench.runner.costs import Costs
from lnlbench.spec.axes import parse_values
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid, read_sweep_file
from lnlbench.spec.run_spec import parse_spec

TINY = ("limit_train=80", "limit_test=20", "epochs=1")
OVERRIDES = [part for each in TINY for part in ("--override", each)]
RUN_FLAGS = ("--track", "digits", "--limit-train", "80", "--limit-test", "20", "--epochs", "1")
GRID = ("--track", "digits", *OVERRIDES)


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


def lines_of(*arguments):
    outcome = call("plan", *arguments)
    assert outcome.code == 0, outcome.err
    return [shlex.split(line) for line in outcome.out.splitlines()]


def planned(folder, *arguments):
    outcome = call("sweep", *arguments, "--dry-run", "--json", "--output", folder)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def specs_of(lines):
    return [parse_spec(Path(line[line.index("--spec") + 1]).read_text(), "spec") for line in lines]


def test_a_plan_names_the_specs_that_run_would_execute(tmp_path):
    lines = lines_of(*GRID, "--method", "ce,dividemix", "--seeds", "0,3", "--output", tmp_path)
    printed = call("run", *RUN_FLAGS, "--method", "ce,dividemix", "--seeds", "0,3", "--print-spec")
    expected = [parse_spec(line, "line") for line in printed.out.splitlines()]
    assert specs_of(lines) == expected
    assert {tuple(line[:2]) for line in lines} == {("lnlbench", "run")}


def test_a_line_of_a_plan_does_the_run_and_leaves_the_plan(tmp_path):
    arguments = (*GRID, "--method", "ce", "--seeds", "2", "--output", tmp_path)
    first, second = lines_of(*arguments)
    assert call(*first[1:]).code == 0
    assert lines_of(*arguments) == [second]
    assert [run["state"] for run in planned(tmp_path, *arguments[:-2])["runs"]] == [
        "done",
        "missing",
    ]


def test_a_dry_run_writes_nothing(tmp_path):
    document = planned(tmp_path, *GRID, "--method", "all")
    assert {run["method"] for run in document["runs"]} == load_plugins().methods.keys()
    assert snapshot(tmp_path) == {}


def test_every_combination_once(plugins):
    axes = {"set": {"lambda_u": [0, 25]}, "override": {"epochs": [1, 2], "optimizer.lr": [0.1]}}
    grid = Grid(method=["dividemix"], track=["digits"], seeds=[0, 1], **axes)
    specs = expand([grid, grid], plugins)
    found = [
        (s.protocol.epochs, s.protocol.optimizer.lr, s.params["lambda_u"], s.seed) for s in specs
    ]
    assert found == [(e, 0.1, u, s) for e in (1, 2) for u in (0, 25) for s in (0, 1)]


def test_what_a_track_cannot_give_is_refused_before_a_process_is_started(tmp_path):
    arguments = ("--method", "dividemix", "--track", "cifar100n-embedding", "--seeds", "2")
    strong_and_weak = ("--set", "augmentation=ws,ww")
    document = planned(tmp_path, *arguments, *strong_and_weak)
    states = [(run["state"], run["reason"] is None) for run in document["runs"]]
    assert states == [("refused", False)] * 2 + [("missing", True)] * 2
    assert "there are no 'strong' views" in document["runs"][0]["reason"]
    assert len(lines_of(*arguments, *strong_and_weak, "--output", tmp_path)) == 2

    # Of a sweep with nothing else to do, that is all.
    outcome = call("sweep", *arguments, "--set", "augmentation=ws", "--output", tmp_path)
    assert outcome.code == 0
    assert "0 of 2 runs are missing." in outcome.out
    assert "Refused: dividemix · cifar100n-embedding, 2 runs: On a track of emb" in outcome.out


def test_a_value_that_is_the_default_is_no_other_run(plugins):
    default = Grid(method=["dividemix"], track=["digits"])
    spelled = Grid(method=["dividemix"], track=["digits"], set={"lambda_u": [25.0]})
    assert len(expand([default, spelled], plugins)) == 1


def test_a_sweep_file_means_what_its_flags_mean(tmp_path, plugins):
    file = tmp_path / "paper.toml"
    file.write_text(
        '[[grid]]\nmethod = "ce,dividemix"\ntrack = ["digits"]\nseeds = "0-1"\n'
        "override.epochs = 1\noverride.limit_train = 80\noverride.limit-test = 20\n"
        "override.optimizer.lr = [0.1, 0.2]\n"
        '[[grid]]\nmethod = ["dividemix"]\ntrack = "digits"\nset.lambda_u = [0, 5]\n'
    )
    flags = (*GRID, "--override", "optimizer.lr=0.1,0.2", "--method", "ce,dividemix")
    first = planned(tmp_path, *flags, "--seeds", "2")["runs"]
    second = planned(
        tmp_path, "--track", "digits", "--method", "dividemix", "--set", "lambda_u=0,5"
    )["runs"]
    assert len(first) + len(second) == 10
    assert planned(tmp_path, file)["runs"] == first + second
    assert len(expand(read_sweep_file(file), plugins)) == 10


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0,25", [0, 25]),
        ("ws,sw", ["ws", "sw"]),
        ("[1,2]", [[1, 2]]),
        ("[1,2],[3]", [[1, 2], [3]]),
        ("true,1e-3", [True, 1e-3]),
        ("symmetric:0.2, 3", ["symmetric:0.2", 3]),
    ],
)
def test_values(text, values):
    assert parse_values("--set", [f"a-b={text}"]) == {"a_b": values}


WRONG = {
    "nothing": ((), ("Name methods and tracks", "--method ce,dividemix")),
    "no track": (("--method", "ce"), ("Name methods and tracks",)),
    "unknown method": ((*GRID, "--method", "cee"), ("'cee'", "Did you mean 'ce'?")),
    "unknown track": (("--method", "ce", "--track", "digit"), ("Did you mean 'digits'?",)),
    "unknown override": (
        ("--method", "ce", "--track", "digits", "--override", "epoch=1"),
        ("'epoch'", "Did you mean 'epochs'?", "optimizer.lr"),
    ),
    "value out of bounds": (
        ("--method", "ce", "--track", "digits", "--override", "epochs=1,0"),
        ("--epochs", "given 0"),
    ),
    "unknown parameter": (
        (*GRID, "--method", "ce,dividemix", "--set", "lambda_u=1"),
        ("'ce'", "'lambda_u'"),
    ),
    "no value": ((*GRID, "--method", "ce", "--set", "lambda_u="), ("--set", "key=value")),
    "twice": (
        (*GRID, "--method", "dividemix", "--set", "lambda_u=1", "--set", "lambda-u=2"),
        ("'lambda_u'", "twice"),
    ),
    "seeds": ((*GRID, "--method", "ce", "--seeds", "x"), ("--seeds", "'x'", "0-4")),
    "time limit": ((*GRID, "--method", "ce", "--time-limit", "2h"), ("'2h'", "HH:MM:SS")),
    "no time": ((*GRID, "--method", "ce", "--time-limit", "0"), ("'0'", "HH:MM:SS")),
    "memory limit": ((*GRID, "--method", "ce", "--memory-limit", "much"), ("'much'", "4GiB")),
    "device": ((*GRID, "--method", "ce", "--device", "gpu"), ("'gpu'", "cuda:N")),
    "logger": ((*GRID, "--method", "ce", "--log", "tensorbord"), ("Did you mean 'tensorboard'",)),
    "no file": (("nowhere.toml",), ("nowhere.toml", "No such file")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_explained(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, texts = WRONG[case]
    outcome = call("sweep", *arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    for text in texts:
        assert text in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("grid = 3\n[", "Cannot read"),
        ("", "grid: Field required"),
        ('[[grid]]\nmethod = "ce"\n', "grid.0: Value error, it needs a method and a track"),
        ('[[grid]]\nmethod = "ce"\ntrack = "digits"\nseed = 3\n', "grid.0.seed: Extra"),
        ('[[grid]]\nmethod = "ce"\ntrack = "digits"\nseeds = [-1]\n', "grid.0.seeds.0"),
        ('[[grid]]\nmethod = []\ntrack = "digits"\n', "it needs a method and a track"),
        ('[[grid]]\nrecipe_file = "none.json"\n', "Cannot read the recipe file none.json"),
    ],
)
def test_a_broken_sweep_file_is_explained(tmp_path, text, reason):
    file = tmp_path / "broken.toml"
    file.write_text(text)
    outcome = call("plan", file)
    assert outcome.code == 2
    assert reason in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_and_flags_together_are_refused(tmp_path):
    file = tmp_path / "paper.toml"
    file.write_text('[[grid]]\nmethod = "ce"\ntrack = "digits"\n')
    outcome = call("sweep", file, "--seeds", "2")
    assert outcome.code == 2
    assert "without --method" in outcome.err


def test_the_estimate_is_the_median_of_such_runs_by_epoch(plugins):
    [spec] = expand([Grid(method=["ce"], track=["digits"], override={"epochs": [30]})], plugins)

    def recorded(seconds, peak, epochs, **changes):
        document = {**spec.document(), "seed": changes.pop("seed", 0)}
        document["protocol"] = {**document["protocol"], "epochs": epochs, **changes}
        result = make_document("ce", track="digits", params=spec.params, seconds=seconds)
        result |= {"spec": document, "seed": document["seed"]}
        result["curves"] = {"test_accuracy": [0.5] * epochs}
        result["cost"]["peak_memory_bytes"] = peak
        return Result.model_validate({**result, "fingerprint": fingerprint(document)})

    results = [
        *(recorded(6.0, 10, 3, seed=seed) for seed in (0, 1)),
        recorded(90.0, 30, 10, seed=2),
        recorded(500.0, 99, 3, batch_size=32),  # another protocol says nothing
    ]
    costs = Costs(results)
    assert costs.seconds(spec) == pytest.approx(2.0 * 30)
    assert costs.peak(spec) == 30
    assert Costs(results[3:]).seconds(spec) is None
