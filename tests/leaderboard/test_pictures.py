"""What the page draws of a run's diagnostics, and which samples a report finds suspicious."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from cli import SMALL, call, directory_of
from factories import DIAGNOSTICS, HISTOGRAM, make_result, merged
from PIL import Image

from lnlbench.cli.report import pictured
from lnlbench.data.digits import load_digits_dataset
from lnlbench.leaderboard.page.pictures import (
    ClassTables,
    median_run,
    row_pictures,
    snapshots_for,
    wrong_labels,
)
from lnlbench.leaderboard.page.suspects import MAX_SUSPECTS, find_suspects
from lnlbench.leaderboard.render.files import combined_html
from lnlbench.leaderboard.row import unranked_rows


def row_of(*results):
    [row] = unranked_rows(results)
    return row


def recorded(seed, accuracy, **changes):
    return make_result("ce", seed, accuracy, diagnostics=merged(DIAGNOSTICS, changes))


def many_classes(count, snapshots=11, bins=60):
    histogram = merged(HISTOGRAM, {"counts": {"clean": [9] * bins, "wrong": [9] * bins}})
    return {
        "snapshots": [{"epoch": i, "histograms": [histogram] * 3} for i in range(snapshots)],
        "classes": {
            "names": [f"class {i}" for i in range(count)],
            "given": [5] * count,
            "noise_rate": [0.5] * count,
            "test_accuracy": [0.25] * count,
        },
        "label_confusion": {"true": [3, 0, 3], "given": [1, 2, 2], "count": [4, 9, 9]},
    }


def test_the_run_in_the_middle_is_shown():
    runs = [recorded(seed, accuracy) for seed, accuracy in enumerate((0.9, 0.3, 0.5, 0.7))]
    without = make_result("ce", 9, 0.55)
    assert median_run(row_of(*runs, without)).seed == 2
    assert median_run(row_of(*runs[:3])).seed == 2
    assert median_run(row_of(without)) is None
    assert row_pictures(row_of(without), ClassTables(), 12) is None


def test_what_is_shown_of_it():
    tables = ClassTables()
    found = row_pictures(row_of(recorded(4, 0.5)), tables, 12)
    [snapshot] = found["snapshots"]
    assert (found["seed"], snapshot["epoch"]) == (4, 3)  # counted from 1
    assert snapshot["histograms"] == [HISTOGRAM]
    assert found["reliability"] == DIAGNOSTICS["reliability"]
    assert found["classes"] == {"table": 0, "test_accuracy": [0.5, 1.0]}
    shared = {"names": ["cat", "dog"], "given": [6, 4], "noise_rate": [0.5, None]}
    assert tables.tables == [shared]


def test_rows_share_the_table_of_their_classes():
    tables = ClassTables()
    other = {"classes": {"given": [5, 5]}}
    runs = [recorded(0, 0.5), recorded(1, 0.6), recorded(2, 0.7, **other)]
    places = [row_pictures(row_of(run), tables, 12)["classes"]["table"] for run in runs]
    assert places == [0, 0, 1]


def test_many_rows_show_fewer_epochs_and_stay_small():
    def rows(count):
        return [row_of(make_result(f"m{i}", diagnostics=many_classes(100))) for i in range(count)]

    few, many = rows(3), rows(200)
    assert snapshots_for(few) == 12
    assert snapshots_for(many) in (1, 4)
    for chosen in (few, many):
        tables, count = ClassTables(), snapshots_for(chosen)
        pictures = [row_pictures(row, tables, count) for row in chosen]
        assert all(shown["snapshots"][-1]["epoch"] == 11 for shown in pictures)
        assert all(len(shown["snapshots"]) == min(11, count) for shown in pictures)
        assert len(json.dumps(pictures)) < 1_500_000


def test_a_matrix_of_few_classes_counts_the_right_labels_too():
    found = wrong_labels([recorded(0, 0.5)])
    # 4 are labeled dog, of which 3 are cats.
    assert found.matrix == [[(6, 5), (3, 5)], [(0, 0), (1, 2)]]
    assert found.names == ["cat", "dog"]


def test_of_many_classes_the_most_frequent_pairs_come_first():
    result = make_result(diagnostics=many_classes(30))
    pairs = [("class 0", "class 2", 9), ("class 3", "class 2", 9), ("class 3", "class 1", 4)]
    assert wrong_labels([make_result(), result]).pairs == pairs
    assert wrong_labels([make_result()]) is None


def test_class_names_cannot_break_out_of_the_page():
    hostile = "</script><b>x"
    page = combined_html([recorded(0, 0.5, classes={"names": [hostile, "dog"]})])
    assert hostile not in page
    assert "&lt;/script&gt;&lt;b&gt;x" in page
    tables = json.loads(re.search(r'id="class-tables">(.*?)</script>', page).group(1))
    assert tables[0]["names"] == [hostile, "dog"]


class Table:
    """What a Parquet table offers, of rows (index, given, predicted, belief, loss)."""

    def __init__(self, rows):
        names = ("index", "noisy_label", "predicted_label", "clean_probability", "loss")
        self.rows = [dict(zip(names, row, strict=True)) for row in rows]

    def to_pylist(self):
        return self.rows


def test_suspicious_is_what_is_predicted_otherwise_the_least_credible_first():
    digits = load_digits_dataset()
    rows = [(3, 1, 2, 0.5, 1.0), (4, 1, 1, 0.0, 9.0), (5, 1, 2, 0.1, 1.0), (6, 1, 2, 0.1, 2.0)]
    found, count = find_suspects(Table(rows), pictured(digits))
    assert [each.index for each in found] == [6, 5, 3]
    assert count == 3
    assert (found[0].given, found[0].suggested) == (digits.classes[1], digits.classes[2])
    assert found[0].true == digits.classes[int(digits.train_labels[6])]
    assert found[0].reason == "10.0 % clean"
    without = [(index, given, predicted, None, loss) for index, given, predicted, _, loss in rows]
    found, _ = find_suspects(Table(without), pictured(replace(digits, truth_known=False)))
    assert [each.index for each in found] == [6, 3, 5]
    assert (found[0].true, found[0].reason) == (None, "loss 2.00")


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (3, 300), (4, 16)])
def test_thumbnails_are_small_images_of_the_sample(channels, size):
    images = torch.randint(0, 256, (1, channels, size, size), dtype=torch.uint8)
    data = replace(load_digits_dataset(), train_images=images)
    [suspect], _ = find_suspects(Table([(0, 1, 2, None, 1.0)]), pictured(data))
    raw = base64.b64decode(suspect.image.removeprefix("data:image/png;base64,"))
    decoded = torch.from_numpy(np.array(Image.open(io.BytesIO(raw))))
    assert decoded.shape[:2] == (min(size, 96),) * 2
    if size <= 96:
        assert torch.equal(decoded, images[0].permute(1, 2, 0) if channels == 3 else images[0, 0])


def test_a_report_shows_the_suspects_of_a_run_that_wrote_its_samples(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'lnlbench[samples]'")
    assert call("run", "--method", "ce", *SMALL, "--samples", "--output", tmp_path).code == 0
    directory, file = directory_of(tmp_path), tmp_path / "report.html"
    assert call("report", directory.path, "--output", file).code == 0
    page = file.read_text()
    assert page.count("data:image/png;base64,") == MAX_SUSPECTS
    assert "img-src data:" in page
    directory.samples_file.write_bytes(b"damaged")
    done = call("report", directory.path, "--output", file)
    assert done.code == 0
    assert "Without thumbnails" in done.err
    assert "img-src" not in file.read_text()
