"""The page in Chromium: pictures, filters, keys, and decisions that become labels."""

import re
from dataclasses import replace

import pytest
import torch
from audited import small_audit
from browser import chromium, opened

from lnlbench.audit.decisions import apply_decisions
from lnlbench.audit.files import write_files
from lnlbench.audit.page.write import page, write_page
from lnlbench.audit.tables import read_label_table

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def found(tmp_path):
    audit = small_audit()
    write_files(audit, tmp_path)
    write_page(audit, tmp_path)
    return audit


def test_no_name_is_read_as_markup(found):
    text = page(found)
    assert "<b>3&</b>" not in text
    assert not re.search(
        r"<script(?! id=\"data\" type=\"application/json\">|>\"use strict\")", text
    )


def test_decisions_by_keys_and_clicks_become_labels(browser, found, tmp_path):
    names, suspects = found.samples.classes, found.suspects.tolist()
    with opened(browser, tmp_path / "audit.html") as (shown, _):
        first = shown.locator("article").first
        assert names[found.samples.labels[suspects[0]]] in first.inner_text()
        assert first.locator("img").first.evaluate("image => image.naturalWidth") > 0
        shown.keyboard.press("a")
        shown.keyboard.press("k")
        shown.keyboard.press("u")
        shown.locator("article").nth(3).get_by_text("accept").click()
        shown.keyboard.press("x")
        shown.reload()
        assert "3 decided" in shown.locator("#count").inner_text()
        with shown.expect_download() as download:
            shown.click("#save")
        download.value.save_as(tmp_path / "decisions.csv")
    apply_decisions(tmp_path / "decisions.csv", tmp_path / "labels.csv", tmp_path / "new.csv")
    table = read_label_table(tmp_path / "new.csv")
    assert table.labels[suspects[0]] == names[found.suggested[suspects[0]]]
    assert [table.decisions[row] for row in suspects[:4]] == ["accept", "keep", "unsure", ""]
    again = small_audit(table.decisions, list(table.labels))
    assert not set(suspects[:2]) & set(again.suspects.tolist())


def test_filters_leave_the_suspects_that_are_asked_for(browser, found, tmp_path):
    rows, names = found.suspects.tolist(), found.samples.classes
    given = names[found.samples.labels[rows[0]]]
    expected = [row for row in rows if names[found.samples.labels[row]] == given]
    with opened(browser, tmp_path / "audit.html") as (shown, _):
        shown.select_option("#given", given)
        assert shown.locator("article").count() == len(expected)
        shown.select_option("#given", "")
        shown.fill("#least", "0.9")
        likely = sum(found.suspicion[row] >= 0.9 for row in rows)
        assert shown.locator("article").count() == min(60, likely)
        shown.fill("#least", "0")
        shown.locator("article").first.focus()
        shown.keyboard.press("a")
        shown.select_option("#state", "accept")
        assert shown.locator("article").count() == 1
        assert shown.locator("article").first.get_attribute("data-decision") == "accept"


def test_thousands_of_suspects_are_shown_a_page_at_a_time(browser, found, tmp_path):
    rows = torch.arange(400).repeat(10)
    count = len(rows)
    many = replace(
        found,
        suspects=rows,
        nearest_suggested=rows.flip(0),
        nearest_given=torch.full_like(rows, -1),
    )
    write_page(many, tmp_path)
    with opened(browser, tmp_path / "audit.html") as (shown, _):
        assert shown.locator("article").count() == 60
        assert f"1–60 of {count} suspects" in shown.locator("#count").inner_text()
        shown.locator("article").last.focus()
        shown.keyboard.press("u")
        assert f"61–120 of {count} suspects, 1 decided" in shown.locator("#count").inner_text()
        shown.keyboard.press("ArrowLeft")
        last = shown.locator("article").last
        assert last.get_attribute("data-decision") == "unsure"
        assert last.evaluate("article => article === document.activeElement")
        # As long as a person does not notice: the frame after a filter has changed.
        took = shown.evaluate(
            """async () => {
              const began = performance.now();
              const least = document.getElementById("least");
              least.value = "0.001";
              least.dispatchEvent(new Event("input"));
              await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
              return performance.now() - began;
            }"""
        )
        assert took < 2000
