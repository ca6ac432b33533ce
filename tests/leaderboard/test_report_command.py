import json
import re

import pytest
from cli import call
from factories import make_result

from lnlbench.results.store import result_bytes


@pytest.fixture
def make_run(tmp_path):
    def make(name, result):
        folder = tmp_path / "runs" / "track" / "method" / name
        folder.mkdir(parents=True)
        (folder / "spec.json").write_text("{}")
        if result is not None:
            (folder / "result.json").write_bytes(result_bytes(result))
        return folder

    return make


def report(tmp_path, *runs):
    return call("report", *runs, "--output", tmp_path / "out.html")


def compared(tmp_path):
    page = (tmp_path / "out.html").read_text()
    return json.loads(re.search(r'id="compared-runs">(.*?)</script>', page).group(1))


def test_one_run_is_a_page_with_its_curves_and_no_rank(tmp_path, make_run):
    done = report(tmp_path, make_run("a", make_result("ce", 4, 0.5)))
    assert done.code == 0, done.err
    assert done.out.strip() == f"Wrote {tmp_path / 'out.html'}"
    [run] = compared(tmp_path)
    assert run["label"] == "ce, seed 4"
    assert run["curves"]["test_accuracy"] == [[0.25, 0.51, 0.5]]
    page = (tmp_path / "out.html").read_text()
    assert "<h1>ce, seed 4</h1>" in page
    assert ">rank</th>" not in page
    assert "not comparable" not in page


def test_several_runs_keep_their_order_and_are_told_apart(tmp_path, make_run):
    runs = [
        make_run("a", make_result("gce", 0, 0.6)),
        make_run("b", make_result("ce", 0, 0.5)),
        make_run("c", make_result("ce", 0, 0.4, params={"x": 1})),
    ]
    assert report(tmp_path, *runs, runs[0]).code == 0
    labels = [run["label"] for run in compared(tmp_path)]
    assert labels[0] == "gce, seed 0"
    assert len(set(labels)) == 3
    assert all(label.startswith("ce, seed 0 (") for label in labels[1:])


def test_runs_of_another_protocol_are_compared_with_a_warning(tmp_path, make_run):
    one = make_run("a", make_result("ce"))
    other = make_run("b", make_result("gce", track="digits", protocol={"epochs": 9}))
    assert report(tmp_path, one, other).code == 0
    page = (tmp_path / "out.html").read_text()
    assert "not comparable" in page
    assert "protocol.epochs was 3, is 9" in page


def test_a_run_that_overrides_its_track_is_compared_with_a_warning(tmp_path, make_run):
    one = make_run("a", make_result("ce"))
    changed = {"protocol": {"epochs": 9, "backbone": "resnet50"}}
    other = make_run("b", make_result("gce", spec=changed))
    assert report(tmp_path, one, other).code == 0
    page = (tmp_path / "out.html").read_text()
    assert "not comparable" in page
    assert "protocol.epochs was 3, is 9" in page
    assert 'data-network="resnet50"' in page


def test_what_is_no_finished_run_is_refused_with_the_next_step(tmp_path, make_run):
    unfinished, diverged = make_run("a", None), make_run("b", make_result(status="diverged"))
    spaced = make_run("d e", None)
    damaged = make_run("c", None)
    (damaged / "result.json").write_text("{")
    for given, words in {
        tmp_path / "nowhere": ("not a run directory", "there is no such directory", "lnlbench run"),
        tmp_path / "runs": (
            "not a run directory",
            "it holds no spec.json",
            f"Below it is {unfinished}",
        ),
        unfinished: ("is not finished", f"lnlbench run --resume {unfinished}"),
        spaced: (f"lnlbench run --resume '{spaced}'",),
        diverged: ("has no result: it diverged (the loss became NaN", "--resume"),
        damaged: ("is not a valid result", "Delete it"),
    }.items():
        done = report(tmp_path, given)
        assert done.code == 2
        for word in words:
            assert word in done.err
        assert "Traceback" not in done.err
    assert not (tmp_path / "out.html").exists()


def test_too_many_runs_are_refused(tmp_path):
    done = report(tmp_path, *[tmp_path] * 9)
    assert done.code == 2
    assert "at most 8" in done.err


def test_no_run_at_all_is_bad_usage(tmp_path):
    assert call("report").code == 2
