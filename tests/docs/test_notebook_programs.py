"""The programs behind the figures of the notebook still run."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from lnlbench.results.audits import load_audits

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook"
DETECTION = ("judge_in_folds", "score_judges", "cleanlab_beside", "summarize_judges")
PARITY = ("compare_curves", "run_authors_code", "shared_images", "stand_ins")


@pytest.fixture(autouse=True)
def beside_the_pages(monkeypatch):
    monkeypatch.syspath_prepend(NOTEBOOK)
    yield
    for name in (
        "time_pieces",
        "time_pooling",
        "time_start_up",
        "calibration_picture",
        *DETECTION,
        *PARITY,
    ):
        sys.modules.pop(name, None)


def test_pieces_are_timed_and_written(tmp_path, monkeypatch, capsys):
    import time_pieces

    for name, value in {"IMAGES": 128, "LOSSES": 500, "ROWS": 300, "COPIED_BYTES": 4096}.items():
        monkeypatch.setattr(time_pieces, name, value)
    threads = torch.get_num_threads()
    file = tmp_path / "pieces.json"
    time_pieces.main(["--repeats", "2", "--device", "cpu", "--output", str(file)])
    timed = {piece["name"]: piece for piece in json.loads(file.read_text())["pieces"]}
    assert {"weak: crop, flip, normalize", "randaugment:2:10", "mixture of 500 losses"} < set(timed)
    assert all(piece["value"] > 0 and piece["repeats"] == 2 for piece in timed.values())
    printed = capsys.readouterr().out
    assert all(name in printed for name in timed)
    assert torch.get_num_threads() == threads


def test_a_piece_is_the_median_without_the_first_call(monkeypatch):
    import time_pieces

    ticks = iter([0, 90, 100, 101, 200, 205, 300, 302])
    monkeypatch.setattr(time_pieces.time, "perf_counter", lambda: next(ticks))
    assert time_pieces._median(lambda: None, 3, torch.device("cpu")) == 2


def test_two_ways_of_pooling_are_timed_in_turns(tmp_path, monkeypatch):
    import time_pooling

    monkeypatch.setattr(time_pooling, "MAPS", (4, 192, 4, 4))
    threads = torch.get_num_threads()
    file = tmp_path / "pooling.json"
    time_pooling.main(["--repeats", "2", "--device", "cpu", "--output", str(file)])
    pieces = {each["name"]: each["value"] for each in json.loads(file.read_text())["pieces"]}
    assert len(pieces) == 5
    assert min(pieces.values()) > 0
    assert torch.get_num_threads() == threads


def test_the_start_of_a_run_is_timed_to_its_first_step(tmp_path):
    import time_start_up

    file = tmp_path / "start-up.json"
    options = ["--track", "digits", "--repeats", "1", "--device", "cpu", "--output", str(file)]
    time_start_up.main(options)
    *answers, first_step = json.loads(file.read_text())["pieces"]
    assert [each["name"] for each in answers[:2]] == ["lnlbench --help", "lnlbench methods"]
    assert first_step["name"] == "import of torch to the first step on digits"
    assert min(each["value"] for each in [*answers, first_step]) > 0.01


def test_a_run_that_does_not_start_says_why_instead_of_a_time(tmp_path, monkeypatch):
    import time_start_up

    monkeypatch.setenv("LNLBENCH_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="cifar100: files are missing"):
        time_start_up.main(["--repeats", "1", "--device", "cpu"])


@pytest.fixture
def doubtful(tmp_path, monkeypatch):
    """Options of the programs of detection, for 400 features of four classes, 20 % mislabeled."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.arange(400) % 4
    noisy = torch.where(torch.rand(400, generator=generator) < 0.2, (clean + 1) % 4, clean)
    features = 3 * torch.eye(4)[clean] + torch.randn(400, 4, generator=generator)
    np.save(tmp_path / "features.npy", features.half().numpy())
    data = SimpleNamespace(human_labels={"doubtful": noisy}, train_labels=clean, classes="abcd")
    monkeypatch.setattr("lnlbench.data.load.load_dataset", lambda name: data)
    return ["--features", str(tmp_path / "features.npy"), "--noise", "doubtful"]


def test_judges_are_stored_once_and_their_combinations_scored(doubtful, tmp_path, capsys):
    import judge_in_folds
    import score_judges

    stored = [*doubtful, "--folds", "0,3", "--store", str(tmp_path / "store")]
    for _ in range(2):
        judge_in_folds.main([*stored, "--methods", "elr,gce"])
    assert capsys.readouterr().out.count("CPU time") == 4
    score_judges.main([*stored, "--output", str(tmp_path / "scores.json")])
    found = json.loads((tmp_path / "scores.json").read_text())
    assert {"gce", "gce, all models", "gce, neighbors", "elr + gce, ranks"} < set(found)
    assert all(row["auroc"] > 0.9 for row in found.values())
    assert sum(each["samples"] for each in found["gce"]["calibration"]) == 160


def test_a_summary_of_stored_judges_has_their_scores_and_serves_a_table(doubtful, tmp_path):
    import judge_in_folds
    import score_judges
    import summarize_judges

    place, root = ["--store", str(tmp_path / "store")], tmp_path / "leaderboards"
    judge_in_folds.main([*doubtful, *place, "--methods", "ce,gce"])
    score_judges.main([*doubtful, *place, "--output", str(tmp_path / "scores.json")])
    file = root / "audits" / "track" / "found.json"
    said = ["--methods", "ce,gce", "--cpu-seconds", "9", "--output", str(file)]
    summarize_judges.main([*doubtful[2:], *place, *said])
    [found] = load_audits(root)["track"]
    assert (found.judges, found.samples, found.about.judge_cpu_seconds) == ("ce + gce", 400, 9)
    assert found.detection.auroc > 0.9
    # Of two judges, score_judges has the ranks of the sets that it compares alone.
    said[1] = "gce"
    summarize_judges.main([*doubtful[2:], *place, *said])
    [alone] = load_audits(root)["track"]
    scores = json.loads((tmp_path / "scores.json").read_text())["gce"]
    for name in ("auroc", "average_precision", "flagged_f1"):
        assert getattr(alone.detection, name) == scores[name]
    assert alone.noise_rate.estimate == pytest.approx(scores["estimated_noise_rate"], abs=1e-4)


def test_cleanlab_judges_the_same_folds(doubtful, tmp_path):
    pytest.importorskip("cleanlab")
    import cleanlab_beside

    cleanlab_beside.main([*doubtful, "--output", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["strength"] in cleanlab_beside.STRENGTHS
    assert found["self_confidence"]["auroc"] > 0.9


def test_the_picture_of_the_guide_shows_the_committed_audits(tmp_path):
    import calibration_picture

    audits = sorted(
        (NOTEBOOK.parents[1] / "leaderboards/audits/cifar100n-embedding").glob("*seed0*")
    )
    drawn = tmp_path / "drawn.svg"
    calibration_picture.main([*map(str, audits), "--output", str(drawn)])
    assert drawn.read_bytes() == (NOTEBOOK.parent / "guide" / "audit-calibration.svg").read_bytes()
    points = [each for each in ElementTree.parse(drawn).iter() if each.tag.endswith("circle")]
    tenths = [json.loads(each.read_text())["detection"]["calibration"] for each in audits]
    for point, tenth in zip(points, [each for audit in tenths for each in audit], strict=True):
        right, top = float(point.get("cx")) - 64, 334 - float(point.get("cy"))
        assert right / 320 == pytest.approx(tenth["mean_suspicion"], abs=2e-3)
        assert top / 320 == pytest.approx(tenth["share_wrong"], abs=2e-3)


def test_curves_are_compared_by_their_last_epochs(tmp_path, capsys):
    import compare_curves

    lines = ["method,side,seed,epoch,curve,value"]
    # The two sides differ by 1 point on average and by chance, or by 2 points in every seed, or by
    # much in opposite directions; what happens before the last three epochs does not count.
    for method, gaps in {"ce": (0, 1, 2), "elr": (1.9, 2, 2.1), "dividemix": (-9, 0, 9)}.items():
        for seed, gap in enumerate(gaps):
            for epoch in range(1, 11):
                early = 20 if epoch < 8 else 0
                lines.append(f"{method},authors,{seed},{epoch},test_accuracy,{30 + epoch}")
                lines.append(
                    f"{method},ours,{seed},{epoch},test_accuracy,{30 + epoch + gap + early}"
                )
    file = tmp_path / "curves.csv"
    file.write_text("\n".join(lines) + "\n")
    compare_curves.main(["--output", str(tmp_path / "curves")])
    ce, elr, dividemix = capsys.readouterr().out.splitlines()[2:]
    # 4.303 is the 97.5 % point of the t-distribution with 2 degrees of freedom.
    half = 4.303 / 3**0.5
    assert f"40.00 | 39.00 | +0.00, +1.00, +2.00 | +1.00 ({1 - half:+.2f} to {1 + half:+.2f})" in ce
    assert "within spread" in ce and "beyond spread" in elr and "undecided" in dividemix
    assert (tmp_path / "curves.svg").read_text().count("<polyline") == 18


def test_authors_code_of_another_commit_is_not_changed(tmp_path):
    from run_authors_code import SCRIPTS, changed_copy

    code = tmp_path / "code" / "ELR"
    code.mkdir(parents=True)
    (code / "train.py").write_text("\n" * 58 + "        num_workers=2\n")
    changed_copy(SCRIPTS["elr"], code.parent, tmp_path / "copy")
    assert (tmp_path / "copy" / "train.py").read_text().strip() == "num_workers=0"
    (code / "train.py").write_text("\n" * 60)
    with pytest.raises(SystemExit, match=r"Line 59 of train\.py has no 'num_workers=2'"):
        changed_copy(SCRIPTS["elr"], code.parent, tmp_path / "copy")
