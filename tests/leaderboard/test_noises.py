"""The matrix of methods and noises: which tracks share one, and what its cells say."""

import csv
import io
from xml.etree import ElementTree

import pytest
from factories import make_result

from lnlbench.leaderboard.noises import noise_matrices
from lnlbench.leaderboard.render.files import combined_html, render
from lnlbench.leaderboard.render.noises import PICTURED, noises_csv, noises_svg
from lnlbench.leaderboard.table import build_tables

NOISES = {"short": "noisy-fine", "short-half": "symmetric:0.5", "short-like": "matched"}
HOSTILE = "<script>|`alert`"


def runs(track, method, accuracy, seeds=3, noise=None, **changes):
    noise = noise or NOISES[track]
    about = {"data": {"noise": noise}, "protocol": {"noise": noise}}
    return [
        make_result(method, seed, accuracy + seed / 1000, track=track, **about, **changes)
        for seed in range(seeds)
    ]


def board(**accuracies):
    return [
        run
        for track in NOISES
        for method, accuracy in accuracies.items()
        for run in runs(track, method, accuracy)
    ]


def matrix_of(results):
    (matrix,) = noise_matrices(build_tables(results))
    return matrix


def test_tracks_that_differ_in_more_than_their_labels_share_no_matrix():
    assert noise_matrices(build_tables(runs("short", "ce", 0.5))) == []
    other = [
        make_result("ce", 0, 0.5, track="small", protocol={"backbone": "resnet-small"}),
        make_result("ce", 0, 0.5, track="digits", data={"dataset": "digits"}),
    ]
    assert noise_matrices(build_tables([*runs("short", "ce", 0.5), *other])) == []


def test_superclasses_of_the_same_images_are_a_noise_of_the_same_matrix():
    coarse = [
        run.model_copy(update={"data": run.data.model_copy(update={"dataset": "cifar100-coarse"})})
        for run in runs("short-coarse", "ce", 0.7, noise="noisy-coarse")
    ]
    matrix = matrix_of([*runs("short", "ce", 0.5), *coarse])
    assert [noise.track for noise in matrix.noises] == ["short", "short-coarse"]


def test_peoples_labels_come_first_and_the_shortest_track_names_the_matrix():
    matrix = matrix_of(board(ce=0.5))
    assert matrix.name == "short"
    assert [noise.name for noise in matrix.noises] == ["noisy-fine", "symmetric:0.5", "matched"]


def test_cells_shade_by_the_difference_to_cross_entropy_in_their_column():
    matrix = matrix_of(board(ce=0.5, best=0.62, better=0.54, same=0.5005, worse=0.46, worst=0.2))
    levels = {line.name: line.cells[0].level for line in matrix.lines}
    assert levels == {"ce": 0, "best": 3, "better": 1, "same": 0, "worse": 0, "worst": -3}


def test_references_stand_first_and_an_oracle_has_neither_rank_nor_shade():
    results = board(ce=0.5, elr=0.6, gce=0.55)
    for track in NOISES:
        results += runs(track, "ce-clean", 0.9, oracle=("clean_labels",))
    matrix = matrix_of(results)
    assert [line.name for line in matrix.lines] == ["ce-clean", "ce", "elr", "gce"]
    assert [line.kind for line in matrix.lines] == ["oracle", "baseline", "ranked", "ranked"]
    assert {(cell.rank, cell.level) for cell in matrix.lines[0].cells} == {(None, 0)}
    assert [line.average_rank for line in matrix.lines] == [None, 3.0, 1.0, 2.0]


def test_missing_cells_and_missing_seeds_are_said():
    results = [*board(ce=0.5, elr=0.6), *runs("short", "gce", 0.55, seeds=1)]
    matrix = matrix_of(results)
    gce = next(line for line in matrix.lines if line.name == "gce")
    assert [cell is None for cell in gce.cells] == [False, True, True]
    assert gce.cells[0].unusual
    assert gce.average_rank is None
    assert "55.00 (2) n=1 | – | –" in render(results)["README.md"]


def test_a_noise_has_the_number_of_seeds_that_most_of_its_rows_have():
    results = [*board(ce=0.5, elr=0.6), *runs("short", "gce", 0.55, seeds=5)]
    matrix = matrix_of(results)
    marked = {line.name: line.cells[0].unusual for line in matrix.lines}
    assert marked == {"ce": False, "elr": False, "gce": True}
    assert matrix.noises[0].seeds == 3


def test_two_settings_of_a_method_stand_for_neither():
    results = [*board(ce=0.5, elr=0.6), *runs("short", "elr", 0.7, params={"beta": 0.5})]
    elr = next(line for line in matrix_of(results).lines if line.name == "elr")
    assert elr.cells[0] is None
    assert elr.cells[1] is not None


def test_the_csv_holds_every_cell_and_the_svg_is_wellformed():
    results = board(ce=0.5, elr=0.6, gce=0.55)
    matrix = matrix_of(results)
    records = list(csv.DictReader(io.StringIO(noises_csv(matrix))))
    assert len(records) == 9
    best = next(r for r in records if r["method"] == "elr" and r["track"] == "short")
    assert float(best["mean"]) == pytest.approx(0.601)
    assert (best["rank"], best["seeds"], best["average_rank"]) == ("1", "3", "1")
    svg = ElementTree.fromstring(noises_svg(matrix))
    words = {element.text for element in svg.iter() if element.tag.endswith("text")}
    assert {"elr", "60.10", "noisy-fine", "40.20 % wrong", "3 seeds"} <= words


def test_the_picture_has_all_references_and_the_first_rows():
    many = {f"m{number}": 0.6 - number / 100 for number in range(PICTURED + 2)}
    svg = ElementTree.fromstring(noises_svg(matrix_of(board(ce=0.5, **many))))
    words = [element.text for element in svg.iter() if element.tag.endswith("text")]
    assert [word for word in words if word in many or word == "ce"] == ["ce", *many][: PICTURED + 1]
    assert "The whole table has 2 more rows." in words


def test_hostile_names_are_text_everywhere():
    results = [*board(ce=0.5), *runs("short-odd", "ce", 0.6, noise=HOSTILE)]
    svg = noises_svg(matrix_of(results))
    assert "<script" not in svg
    ElementTree.fromstring(svg)
    assert "<script>|" not in combined_html(results)
    lines = render(results)["README.md"].splitlines()
    head = next(line for line in lines if line.startswith("| method | average rank"))
    assert "<script" not in head
    assert head.count("|") == 7


def test_the_page_opens_with_the_matrix():
    page = combined_html(board(ce=0.5, elr=0.6, gce=0.55))
    assert page.index('id="noises-short"') < page.index('id="track-short"')
    assert 'id="across-short"' in page
    assert 'id="across"' not in page


def test_no_cell_of_the_csv_is_a_formula():
    results = [*board(ce=0.5), *runs("short-odd", "ce", 0.6, noise="=1+1")]
    names = {each["noise"] for each in csv.DictReader(io.StringIO(noises_csv(matrix_of(results))))}
    assert "'=1+1" in names
