"""Charts, histograms, thumbnails and hostile text of pages and reports, in a browser."""

import pytest
from browser import opened
from factories import DIAGNOSTICS, HISTOGRAM, make_document, make_result, merged

from lnlbench.leaderboard.page.suspects import Suspect
from lnlbench.leaderboard.render.files import combined_html
from lnlbench.leaderboard.render.report import report_page
from lnlbench.results import Result

pytestmark = pytest.mark.browser


def test_hostile_text_is_shown_and_not_executed(browser, tmp_path):
    hostile = "</script><script>throw 1</script><img src=x onerror='throw 1'>"
    document = make_document(
        "ce",
        params={"note": hostile},
        protocol={"title": hostile},
        curves={"test_accuracy": [0.25, 0.51, 0.5], hostile: [1.0, 2.0, 3.0]},
    )
    result = Result.model_validate(merged(document, {"method": {"reference": hostile}}))
    file = tmp_path / "page.html"
    file.write_text(combined_html([result]))
    with opened(browser, file) as (page, _):
        assert hostile in page.locator("h2").first.inner_text()
        page.locator("button.open").click()
        page.locator("canvas").nth(1).wait_for()
        assert hostile in page.locator(".panel").inner_text()


def test_a_report_draws_each_run_in_each_chart(browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(report_page([make_result("ce"), make_result("gce", accuracy=0.6)]))
    with opened(browser, file) as (page, _):
        page.locator("#comparison canvas").first.wait_for()
        shown = page.locator("#comparison").inner_text()
        assert "ce, seed 0" in shown
        assert "gce, seed 0" in shown


def test_histograms_follow_the_epoch_by_keyboard_and_say_what_they_show(browser, tmp_path):
    mixture = {"weights": [0.7, 0.3], "means": [0.5, 2.5], "variances": [0.1, 0.2]}
    later = merged(
        HISTOGRAM, {"counts": {"clean": [9, 0, 0]}, "mixture": mixture, "threshold": 1.2}
    )
    snapshots = [{"epoch": 0, "histograms": [HISTOGRAM]}, {"epoch": 2, "histograms": [later]}]
    results = [
        make_result("ce", seed, diagnostics=DIAGNOSTICS | {"snapshots": snapshots})
        for seed in range(3)
    ]
    file = tmp_path / "page.html"
    file.write_text(combined_html(results))
    with opened(browser, file) as (page, _):
        page.locator("button.open").click()
        panel = page.locator(".panel")
        panel.locator(".uplot").nth(3).wait_for()
        assert "From the median run, seed 1." in panel.inner_text()
        loss = panel.locator("figure", has_text="Loss of training samples")
        slider = loss.get_by_role("slider")
        said = loss.get_by_role("img").get_attribute("aria-label")
        assert said.startswith(
            "Loss of training samples after epoch 3: 9 samples with clean labels"
        )
        assert "mixture with means 0.5 and 2.5; threshold 1.2" in said
        slider.focus()
        page.keyboard.press("ArrowLeft")
        assert slider.get_attribute("aria-valuetext") == "after epoch 1"
        said = loss.get_by_role("img").get_attribute("aria-label")
        assert "after epoch 1: 6 samples with clean labels" in said
        assert "mixture" not in said
        loss.get_by_text("Numbers").click()
        assert loss.locator("details tbody tr").first.inner_text().split() == [
            "0",
            "to",
            "1",
            "5",
            "0",
        ]
        reliability = panel.locator("figure", has_text="Reliability on the test set")
        said = reliability.get_by_role("img").get_attribute("aria-label")
        assert "100.00 % of the samples are in bins with more confidence" in said
        classes = panel.locator("figure", has_text="Classes, in order of their noise")
        said = classes.get_by_role("img").get_attribute("aria-label")
        assert "lowest test accuracy 50.00 %, of cat" in said
        page.get_by_text("Wrong labels: which classes").click()
        assert page.locator(".matrix tbody tr").first.inner_text().split() == ["cat", "6", "3"]


def test_a_report_on_one_run_shows_thumbnails_and_opens_at_once(browser, tmp_path):
    hostile = "<img src=x onerror='throw 1'>"
    pixel = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAA"
        "AABJRU5ErkJggg=="
    )
    result = make_result("ce", diagnostics=DIAGNOSTICS)
    suspect = Suspect(pixel, 7, hostile, "dog", None, "loss 3.00")
    file = tmp_path / "report.html"
    file.write_text(report_page([result], {result.fingerprint: ([suspect], 30)}))
    with opened(browser, file) as (page, _):
        page.locator(".panel canvas").first.wait_for()
        assert page.locator("#comparison").count() == 0
        image = page.get_by_role("img", name="Training image 7")
        assert image.evaluate("image => image.naturalWidth") == 1
        shown = page.locator(".suspects").inner_text()
        assert f"{hostile}, suggested dog" in shown
        assert "true class" not in shown
        assert (
            "The prediction differs from the label for 30 training samples"
            in page.locator("main").inner_text()
        )
