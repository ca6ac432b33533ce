"""Ten thousand results of 50 methods on 20 tracks: `pytest -m slow -s tests/results/test_scale.py`.

Prints seconds, memory and sizes; with Chromium and playwright, the page's times too.
"""

import random
import resource
import sys
import time

import pytest
from browser import chromium, opened
from factories import make_document, merged

from lnlbench.leaderboard.check import conflicts
from lnlbench.leaderboard.contradictions import without_contradictions
from lnlbench.leaderboard.render.files import render
from lnlbench.results import Result, ResultStore
from lnlbench.results.store import result_bytes

METHODS, TRACKS, SEEDS, EPOCHS = 50, 20, 10, 60
CURVES = ("test_accuracy", "train_accuracy_clean", "train_accuracy_noisy", "memorization", "loss")
CURVES += ("label_precision", "label_recall", "label_f1", "clean_auroc", "ece", "nll", "share")
LASTS = ("memorization", "label_precision", "label_recall", "label_f1", "clean_auroc", "ece", "nll")

pytestmark = pytest.mark.slow


def generate(store, methods=METHODS, tracks=TRACKS, seeds=SEEDS):
    """Write result files that pass every check; their numbers are drawn, not measured."""
    draw = random.Random(0)
    for track in range(tracks):
        for method in range(methods):
            for seed in range(seeds):
                curves = {name: [draw.random() for _ in range(EPOCHS)] for name in CURVES}
                test = curves["test_accuracy"]
                document = make_document(f"method-{method}", seed, track=f"track-{track}")
                scores = {
                    "test_accuracy_last10": sum(test[-6:]) / 6,
                    "test_accuracy_last": test[-1],
                    "test_accuracy_best": max(test),
                }
                scores |= {name: curves[name][-1] for name in LASTS}
                result = Result.model_validate(
                    merged(document, {"curves": curves, "scores": scores})
                )
                path = store.path_for(result)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(result_bytes(result))


@pytest.mark.timeout(1800)
def test_ten_thousand_results_make_tables_in_20_seconds_and_a_page_that_opens(tmp_path):
    store = ResultStore(tmp_path)
    generate(store)
    began = time.perf_counter(), time.process_time()
    results, bad = store.load_all()
    read = time.process_time() - began[1]
    results, contradictions = without_contradictions(store, results)
    assert conflicts(store, results) + contradictions == []
    pages = render(results)
    processor = time.process_time() - began[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    file = tmp_path / "index.html"
    file.write_text(pages["index.html"])
    size = file.stat().st_size / 1e6
    sys.stdout.write(
        f"\n{len(results)} results: {processor:.1f} s of processor ({read:.1f} s reading), "
        f"{time.perf_counter() - began[0]:.1f} s in all, at most {memory:.0f} MiB, "
        f"index.html {size:.1f} MB\n"
    )
    assert bad == []
    assert len(results) == METHODS * TRACKS * SEEDS
    assert processor <= 20
    assert size <= 12
    with chromium() as browser:
        began = time.perf_counter()
        with opened(browser, file) as (page, _):
            loaded = time.perf_counter()
            assert page.locator("table.results > tbody > tr:visible").count() == 25 * TRACKS
            page.locator("button.open").first.click()
            page.locator("canvas").first.wait_for()
            row = time.perf_counter()
            page.locator("input[name=method]").fill("method-7")
            page.get_by_text("20 rows in 20 tables").wait_for()
            filtered = time.perf_counter()
    sys.stdout.write(
        f"page: loaded in {loaded - began:.1f} s, row opened in {row - loaded:.1f} s, "
        f"filtered in {filtered - row:.1f} s\n"
    )
