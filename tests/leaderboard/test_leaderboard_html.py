import base64
import hashlib
import json
import random
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from factories import make_document, make_result, merged

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.rows import RANKED
from lnlbench.leaderboard.page import details
from lnlbench.leaderboard.page.template import embedded
from lnlbench.leaderboard.render.files import combined_html, render
from lnlbench.leaderboard.table import build_tables
from lnlbench.results import Result, ResultStore

TRACK = "cifar100n-resnet34"
COMMITTED = ResultStore(Path(__file__).parents[2] / "leaderboards")
# Hashes of the files in the npm package uplot 1.6.32.
UPLOT = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u2028\u202e{{7*7}}"


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts, styles and table rows."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.rows, self.raw, self._cell = [], [], {}, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._cell = tag in ("td", "th") or (self._cell and tag not in ("tr", "table"))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if not self.elements:
            return
        tag, attributes = self.elements[-1]
        if self.cdata_elem:
            self.raw[attributes.get("id", tag)] = data
        elif self._cell:
            self.rows[-1][-1] += data.strip()


@pytest.fixture(scope="module")
def results():
    made = [
        make_result(method, seed, mean + seed / 100, seconds=seconds)
        for method, mean, seconds in (("ce", 0.5, 100.0), ("dividemix", 0.6, 520.0))
        for seed in range(3)
    ]
    made.append(make_result("ce-clean", 0, 0.9, oracle=("clean_labels",)))
    made.append(make_result("boom", 0, status="failed", error="out of memory"))
    off = {"off_track": {"overrides": {"epochs": 9}}, "spec": {"epochs": 9}}
    made.append(make_result("gce", 0, 0.8, **off))
    return made


@pytest.fixture(scope="module")
def page(results):
    return Page(combined_html(results))


def test_the_rows_are_those_of_the_table_in_its_order(results, page):
    (table,) = build_tables(results)
    shown = page.rows[1 : 1 + len(table.rows)]
    # A row's tags follow its name, and then, for phones, its note.
    assert [row[1].removesuffix(row[6]) for row in shown[:2]] == ["ce-cleanoracle", "dividemix"]
    for row, cells in zip(table.rows, shown, strict=True):
        assert cells[0] == (str(row.rank) if row.rank else "–")
        assert cells[3] == RANKED.cell(row)
        assert cells[6] == row.note
        assert cells[8] == text.parenthesized(row.scores["test_accuracy_best"])


def test_a_single_seed_an_oracle_and_a_failure_say_so(page):
    notes = {row[1].removesuffix(row[6]): row[6] for row in page.rows if len(row) > 20}
    assert notes["ce-cleanoracle"] == "oracle (clean_labels): not ranked; 1 seed: no claim"
    assert notes["boom"] == "no finished run"


def test_every_script_and_style_is_in_the_page_and_is_the_one_the_policy_allows(results):
    html = combined_html(results)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1)
    for tag in ("script", "style"):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


def test_nothing_is_fetched_and_links_are_relative_or_https(page):
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert "src" not in attributes
        target = attributes.get("href", "#")
        assert tag == "a" or "href" not in attributes
        beside = re.fullmatch(r"[\w.-]+\.(csv|md)", target)
        assert beside or target.startswith(("#", "https://")), target


def test_foreign_text_stays_text_wherever_it_stands():
    def result(text_, status):
        document = make_document(
            "ce",
            status=status,
            params={"note": text_},
            error=None if status == "done" else text_,
            data={"dataset": text_, "noise": text_, "notes": [text_]},
            protocol={"title": text_, "backbone": text_, "epochs": text_},
            environment={"device": text_, "precision": text_},
            events=[{"epoch": 0, "event": text_}],
            curves={"test_accuracy": [0.5] * 3, text_: [0.5] * 3} if status == "done" else {},
        )
        method = {"reference": text_, "distribution": text_, "version": text_, "oracle": [text_]}
        return Result.model_validate(merged(document, {"method": method}))

    for status in ("done", "failed"):
        hostile, tame = (Page(combined_html([result(each, status)])) for each in (HOSTILE, "tame"))
        assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in tame.elements]
        assert [list(a) for _, a in hostile.elements] == [list(a) for _, a in tame.elements]
        raw = hostile.raw[f"row-{TRACK}-1-detail"]
        assert "<" not in raw
        assert "alert(1)" in json.loads(raw)["params"][0][1]


@pytest.mark.parametrize("character", ["<", ">", "&", "\u2028", "\u2029"])
def test_embedded_json_holds_no_character_that_ends_a_script(character):
    value = {f"a{character}": [f"{character}/script>"]}
    assert character not in embedded(value)
    assert json.loads(embedded(value)) == value


def test_the_page_is_written_for_all_tracks_only_and_its_bytes_do_not_depend_on_order(results):
    assert "index.html" not in render(results, complete=False)
    expected = render(results)["index.html"]
    for seed in range(3):
        assert render(random.Random(seed).sample(results, len(results)))["index.html"] == expected


def test_details_hold_the_curves_of_each_seed_the_files_and_published_figures(page):
    detail = json.loads(page.raw[f"row-{TRACK}-3-detail"])
    assert detail["title"] == "ce, recipe matched"
    assert detail["epochs"] == [1, 2, 3]
    assert detail["curves"]["test_accuracy"] == [
        [0.25, 0.51, 0.5],
        [0.255, 0.52, 0.51],
        [0.26, 0.53, 0.52],
    ]
    assert [run["file"].split("-seed")[0] for run in detail["runs"]] == [
        f"results/{TRACK}/ce/matched"
    ] * 3
    rules = {(each["accuracy"], each["rule"]) for each in detail["published"]}
    assert ("49.18 ± 0.48", "last epoch") in rules
    assert all(each["url"].startswith("https://") for each in detail["published"])


def test_many_curves_are_thinned_then_averaged_and_the_page_says_so(monkeypatch, results):
    curve = [i / 1000 for i in range(300)]
    scores = {"test_accuracy_last10": 0.2945, "test_accuracy_last": 0.299}
    long = [
        make_result("ce", seed, curves={"test_accuracy": curve}, scores=scores) for seed in range(2)
    ]
    [row] = build_tables(long)[0].rows
    detail = details.detail_for([row])
    epochs = details.row_details(row, None, detail)["epochs"]
    assert (len(epochs), epochs[0], epochs[-1]) == (200, 1, 300)
    monkeypatch.setattr(details, "_CURVE_BYTES", 300)
    detail = details.detail_for([row])
    assert not detail.each_seed
    shown = details.row_details(row, None, detail)
    assert (len(shown["curves"]["test_accuracy"]), len(shown["epochs"])) == (1, 20)
    assert shown["curves"]["test_accuracy"][0][-1] == 0.299
    assert "the mean over seeds at no more than 20 epochs" in combined_html(long)
    assert "There are many results" not in combined_html(results[:1])


def test_the_committed_page_is_small_enough_to_open_anywhere():
    assert (COMMITTED.root / "index.html").stat().st_size <= 6_000_000


@pytest.mark.parametrize("name", sorted(UPLOT))
def test_the_charting_library_is_the_published_one_with_its_license(name):
    folder = files("lnlbench.leaderboard.page")
    assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == UPLOT[name]
    assert "Leon Sorokin" in folder.joinpath("uPlot.LICENSE").read_text()
