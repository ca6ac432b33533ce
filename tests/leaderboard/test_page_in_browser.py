"""The committed page as a reader uses it: in a browser, from a file, offline."""

import re
from pathlib import Path

import pytest
from browser import opened
from factories import make_result

from lnlbench.leaderboard.render.files import combined_html
from lnlbench.leaderboard.table import build_tables
from lnlbench.results import ResultStore

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2] / "leaderboards"
DIGITS = "#track-digits table.results"


@pytest.fixture(scope="module")
def digits():
    [table] = build_tables(ResultStore(ROOT).load_all("digits")[0])
    return table


def names(page, table=DIGITS):
    return page.locator(f"{table} > tbody > tr:visible .name").all_inner_texts()


def in_sight(rows):
    """The names of the first 25 rows, and of the references below them."""
    return [row.name for place, row in enumerate(rows) if place < 25 or row.is_reference]


def test_sorting_by_mouse_and_keyboard(browser, digits):
    with opened(browser, ROOT / "index.html") as (page, _):
        assert names(page) == in_sight(digits.rows)
        head = page.locator(f"{DIGITS} > thead th", has_text="last 10")
        assert head.get_attribute("aria-sort") == "descending"
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        scores = {row.name: row.accuracy.mean for row in digits.rows if row.accuracy}
        ordered = sorted(scores, key=scores.__getitem__)
        assert names(page)[:3] == ordered[:3]
        button = page.locator(f"{DIGITS} > thead th", has_text="time").get_by_role("button")
        button.focus()
        page.keyboard.press("Enter")
        slowest = max(digits.rows, key=lambda row: row.wall_seconds or 0)
        assert names(page)[0] == slowest.name
        assert head.get_attribute("aria-sort") is None
        assert "Sorted by time, descending" in page.get_by_role("status").inner_text()


def test_filters_hide_rows_and_empty_tables_and_say_how_many_are_left(browser, digits):
    with opened(browser, ROOT / "index.html") as (page, _):
        page.locator("select[name=track]").select_option("digits")
        assert page.locator("section.track:visible").count() == 1
        assert page.locator("section.across:visible").count() == 0
        page.locator("select[name=oracle]").select_option("without")
        plain = [row for row in digits.rows if not row.oracle]
        assert names(page) == in_sight(plain)
        page.locator("input[name=method]").fill("DIVIDE")
        found = [row.name for row in plain if "divide" in row.name]
        assert set(names(page)) == {*found, "ce"}  # the reference stays in sight
        said = page.get_by_role("status").inner_text()
        assert said == f"{len(found)} {'row' if len(found) == 1 else 'rows'} in 1 table."
        page.locator("select[name=network]").select_option(index=1)
        page.get_by_role("button", name="Reset").click()
        page.locator("section.track:visible").nth(1).wait_for()
        assert names(page) == in_sight(digits.rows)


def test_a_link_shows_the_filters_and_open_rows_of_its_sender(browser):
    with opened(browser, ROOT / "index.html") as (page, _):
        page.locator("input[name=method]").fill("elr")
        page.locator(f"{DIGITS} > tbody > tr:visible td").nth(2).click()  # anywhere on the row
        address = page.url
        shown = names(page)
        assert page.locator(".panel").count() == 1
        page.goto(address)
        assert page.locator("input[name=method]").input_value() == "elr"
        assert names(page) == shown
        assert page.locator(".panel").is_visible()


def test_printing_shows_all_rows(browser, digits):
    with opened(browser, ROOT / "index.html") as (page, _):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert names(page) == [row.name for row in digits.rows]
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert names(page) == in_sight(digits.rows)


def test_heads_stay_in_sight_and_commands_can_be_copied(browser):
    with opened(browser, ROOT / "index.html") as (page, _):
        page.locator(f"{DIGITS} > tbody > tr:visible").last.scroll_into_view_if_needed()
        head = page.locator(f"{DIGITS} > thead th").first
        assert head.is_visible()
        assert head.bounding_box()["y"] >= 0
        page.locator("#track-digits details.protocol > summary").click()
        button = page.locator("#track-digits details.protocol .copy")
        assert button.inner_text() == "Copy"
        button.click()
        done = re.compile("Copied|Selected")
        page.locator("#track-digits details.protocol .copy", has_text=done).wait_for()


def test_open_rows_are_compared_over_each_other(browser):
    with opened(browser, ROOT / "index.html") as (page, _):
        buttons = page.locator(f"{DIGITS} button.open")
        buttons.nth(0).click()
        assert page.locator(".compare button").count() == 0
        chosen = [buttons.nth(i).inner_text() for i in (0, 3)]
        buttons.nth(3).click()
        page.get_by_role("button", name="Compare the 2 open rows").click()
        panel = page.locator(".compare .panel")
        panel.locator("canvas").first.wait_for()
        said = panel.inner_text()
        assert all(name.split()[0] in said for name in chosen)
        buttons.nth(0).click()  # closed: there is nothing to compare with
        assert panel.count() == 0


def test_an_open_row_on_a_phone_widens_nothing(browser, digits):
    shown = in_sight(digits.rows)
    notes = [row.note for row in digits.rows if row.note and row.name in shown]
    with opened(browser, ROOT / "index.html", 390, "light") as (page, _):
        before = page.locator(DIGITS).bounding_box()["width"]
        page.locator(f"{DIGITS} button.open").first.click()
        page.locator(".panel").wait_for()
        assert page.locator(DIGITS).bounding_box()["width"] == before
        assert page.locator(f"{DIGITS} .note-below:visible").all_inner_texts() == notes
        assert len(notes) > 5
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_row_opens_with_its_charts_and_only_then(browser, digits):
    with opened(browser, ROOT / "index.html") as (page, _):
        assert page.locator("canvas").count() == 0
        button = page.locator(DIGITS).get_by_role("button", name="dividemix").first
        button.focus()
        page.keyboard.press("Space")
        assert button.get_attribute("aria-expanded") == "true"
        page.locator(f"{DIGITS} canvas").first.wait_for()
        panel = page.locator(".panel")
        assert "Test accuracy" in panel.inner_text()
        assert "Memorization" in panel.inner_text()
        spoken = panel.get_by_role("img").first.get_attribute("aria-label")
        assert spoken.startswith("Test accuracy, last epoch: test ")
        for link in panel.get_by_role("link").all():
            target = link.get_attribute("href")
            assert target.startswith("https://") or (ROOT / target).is_file()
        page.keyboard.press("Space")
        assert not panel.is_visible()


def test_the_switch_shows_all_columns(browser):
    with opened(browser, ROOT / "index.html") as (page, _):
        head = page.locator(f"{DIGITS} > thead th", has_text="ECE")
        assert not head.is_visible()
        page.get_by_label("All columns").check()
        assert head.is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_it_fits_a_phone_and_follows_the_color_scheme(browser, width, scheme):
    with opened(browser, ROOT / "index.html", width, scheme) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert color == {"light": "rgb(252, 252, 250)", "dark": "rgb(20, 23, 27)"}[scheme]


def test_of_many_rows_the_first_are_shown_and_the_rest_on_demand(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(combined_html([make_result(f"m{i}", accuracy=i / 100) for i in range(40)]))
    with opened(browser, file) as (page, _):
        assert len(names(page, "table.results")) == 25
        page.get_by_role("button", name="Show all 40 rows").click()
        assert len(names(page, "table.results")) == 40
