import csv
import io
import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import typer
from factories import make_result, run_result
from typer.testing import CliRunner

from lnlbench.cli.leaderboard import leaderboard
from lnlbench.errors import RunError, UsageError
from lnlbench.results import ResultStore

app = typer.Typer()
app.command()(leaderboard)


def invoke(folder, *arguments):
    return CliRunner().invoke(app, ["--output", str(folder), *arguments])


@pytest.fixture
def store(tmp_path):
    store = ResultStore(tmp_path / "leaderboards")
    for seed in range(3):
        store.save(make_result("dividemix", seed, 0.6 + seed / 100, seconds=8000.0))
        store.save(make_result("ce", seed, 0.5 + seed / 50, seconds=2000.0))
    store.save(make_result("gce", 0, 0.55, track="digits", data={"dataset": "digits"}))
    return store


def test_the_picture_is_valid_svg_with_the_rows_and_makes_no_request(tmp_path, store):
    result = invoke(tmp_path, "--format", "svg")
    root = ElementTree.fromstring(result.output)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = "".join(root.itertext())
    for word in ("dividemix", "gce", "61.00"):
        assert word in text
    assert "url(http" not in result.output.replace('"', "")


def test_it_writes_the_tables_and_shows_them_in_100_columns(tmp_path, store):
    result = invoke(tmp_path)
    assert result.exit_code == 0, result.output
    assert {path.name for path in store.root.glob("[!.]*.*")} == {
        "cifar100n-resnet34.md",
        "cifar100n-resnet34.csv",
        "digits.md",
        "digits.csv",
        "index.html",
        "README.md",
    }
    shown = [line for line in result.stdout.splitlines() if "│" in line]
    assert all(len(line) <= 100 for line in shown)
    [line] = [line for line in shown if "dividemix" in line]
    for value in ("1", "3", "61.00 ± 1.00", "62.00", "0.900", "2.2 h"):
        assert value in line


@pytest.mark.parametrize("form", ["md", "csv"])
def test_formats_print_what_is_written(tmp_path, store, form):
    result = invoke(tmp_path, "--track", "digits", "--format", form)
    assert result.stdout == (store.root / f"digits.{form}").read_text()
    assert not (store.root / f"cifar100n-resnet34.{form}").exists()


def test_the_html_page_of_all_tracks_is_the_one_that_is_written(tmp_path, store):
    page = invoke(tmp_path, "--format", "html").stdout
    assert page == (store.root / "index.html").read_text()
    one = invoke(tmp_path, "--format", "html", "--track", "digits").stdout
    assert "gce" in one
    assert "dividemix" not in one.split("<main>")[1].split("<details class")[0]
    assert page == (store.root / "index.html").read_text()


def test_csv_of_several_tracks_has_one_header(tmp_path, store):
    rows = list(csv.DictReader(io.StringIO(invoke(tmp_path, "--format", "csv").stdout)))
    assert [row["track"] for row in rows] == ["cifar100n-resnet34"] * 2 + ["digits"]


def test_json_is_one_object_even_when_a_file_is_broken(tmp_path, store):
    broken = store.folder / "digits" / "ce" / "matched-seed0-00000000.json"
    broken.parent.mkdir()
    broken.write_text("{")
    result = invoke(tmp_path, "--format", "json")
    assert result.exit_code == 0
    assert [track["track"] for track in json.loads(result.stdout)["tracks"]] == [
        "cifar100n-resnet34",
        "digits",
    ]
    assert str(broken) in result.stderr


def test_check_passes_after_writing_and_fails_after_a_new_result(tmp_path):
    store = ResultStore(tmp_path / "leaderboards")
    for track in ("cifar100n-resnet34", "digits"):
        store.save(run_result("gce", track=track))
    assert isinstance(invoke(tmp_path, "--check").exception, RunError)
    invoke(tmp_path)
    assert invoke(tmp_path, "--check").exit_code == 0
    store.save(run_result("ce", 3, 0.9, track="cifar100n-resnet34"))
    before = (store.root / "cifar100n-resnet34.md").read_bytes()
    error = invoke(tmp_path, "--check").exception
    assert isinstance(error, RunError)
    assert error.exit_code == 1
    assert "cifar100n-resnet34.md" in str(error)
    assert "index.html" in str(error)
    assert "digits" not in str(error)
    assert (store.root / "cifar100n-resnet34.md").read_bytes() == before
    assert invoke(tmp_path, "--check", "--track", "digits").exit_code == 0


def test_check_names_a_broken_result(tmp_path, store):
    invoke(tmp_path)
    path = next(store.folder.rglob("matched-seed0-*.json"))
    path.write_text(path.read_text().replace('"seed": 0', '"seed": "0"'))
    error = invoke(tmp_path, "--check").exception
    assert isinstance(error, RunError)
    assert str(path) in str(error)


def test_results_that_cannot_share_a_table_are_refused_and_nothing_is_written(tmp_path, store):
    store.save(make_result("gce", 1, data={"labels_sha256": "cd" * 32}))
    error = invoke(tmp_path).exception
    assert isinstance(error, RunError)
    assert "labels_sha256" in str(error)
    assert list(store.root.glob("*.md")) == []


def test_an_unknown_track_gets_the_nearest_with_results(tmp_path, store):
    error = invoke(tmp_path, "--track", "digit").exception
    assert isinstance(error, UsageError)
    assert "Did you mean 'digits'?" in str(error)
    assert "cifar100n-resnet34" in str(error)


def test_a_track_whose_results_all_override_it_has_no_table(tmp_path, store):
    store.save(run_result("ce", track="digits", overrides={"noise": "symmetric:0.2"}))
    for path in (store.folder / "digits").rglob("*.json"):
        path.unlink()
    error = invoke(tmp_path, "--track", "digits").exception
    assert isinstance(error, UsageError)
    assert "All results of digits override the track" in str(error)


def test_several_tracks_are_named_with_commas(tmp_path, store):
    both = invoke(tmp_path, "--track", "digits,cifar100n-resnet34", "--format", "csv").stdout
    again = ["--track", "digits", "--track", "cifar100n-resnet34", "--format", "csv"]
    assert both == invoke(tmp_path, *again).stdout
    assert {row["track"] for row in csv.DictReader(io.StringIO(both))} == {
        "digits",
        "cifar100n-resnet34",
    }


def test_a_check_prints_no_format(tmp_path, store):
    error = invoke(tmp_path, "--check", "--format", "json").exception
    assert isinstance(error, UsageError) and "without --format" in str(error)


def test_no_results_says_how_to_make_some(tmp_path):
    error = invoke(tmp_path).exception
    assert isinstance(error, UsageError)
    assert "lnlbench run" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_imported_without_heavy_packages():
    heavy = "{'torch', 'numpy', 'scipy', 'statsmodels', 'pandas', 'pydantic'}"
    code = f"import sys, lnlbench.cli.leaderboard; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
