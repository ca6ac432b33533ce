"""Results and lists as data frames."""

import json

import pytest
from cli import call
from factories import make_result

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.results import ResultStore


@pytest.fixture
def folder(tmp_path):
    store = ResultStore(tmp_path / "leaderboards")
    for seed in range(2):
        store.save(make_result("ce", seed, 0.5))
        store.save(make_result("dividemix", seed, 0.6))
    store.save(make_result("gce", 0, 0.4, track="digits"))
    return tmp_path


def test_each_run_is_a_row_with_its_scores(folder):
    table = lnlbench.load_results(folder)
    assert len(table) == 5
    means = table.groupby("method")["test_accuracy_last"].mean()
    assert means.round(6).to_dict() == {"ce": 0.5, "dividemix": 0.6, "gce": 0.4}


@pytest.mark.parametrize("place", ["", "leaderboards"])
def test_the_folder_may_be_either_of_two(folder, place):
    assert len(lnlbench.load_results(folder / place, track="digits")) == 1


def test_curves_are_those_of_the_rows_that_are_left(folder):
    table = lnlbench.load_results(folder)
    curves = table[table["method"] == "dividemix"].curves("test_accuracy")
    assert set(curves["method"]) == {"dividemix"}
    assert curves[curves["seed"] == 0]["epoch"].tolist() == [1, 2, 3]
    assert curves[curves["seed"] == 0]["value"].tolist() == [0.3, 0.61, 0.6]
    assert len(table.curves()["curve"].unique()) > 1


def test_mistakes_name_what_there_is(folder, tmp_path):
    with pytest.raises(UsageError, match="There are no results"):
        lnlbench.load_results(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="digits"):
        lnlbench.load_results(folder, track="digitss")
    with pytest.raises(UsageError, match="test_accuracy"):
        lnlbench.load_results(folder).curves("test_acuracy")


def test_a_broken_file_is_left_out_with_a_warning(folder):
    broken = next((folder / "leaderboards/results").rglob("*.json"))
    broken.write_text("{")
    with pytest.warns(UserWarning, match=broken.name):
        assert len(lnlbench.load_results(folder)) == 4


def test_lists_are_those_of_the_commands():
    methods = json.loads(call("methods", "--json").out)["methods"]
    assert lnlbench.methods().index.tolist() == [each["name"] for each in methods]
    tracks = json.loads(call("tracks", "--json").out)["tracks"]
    assert lnlbench.tracks().index.tolist() == [each["name"] for each in tracks]
    assert lnlbench.methods.dividemix.DivideMix.name == "dividemix"  # still a package
