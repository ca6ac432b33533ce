"""`lnlbench audit`: where it writes, what it says, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from audited import noisy_digits
from cli import call

from lnlbench.cli.audit import _output as output_folder


def test_the_command_judges_features_and_applies_decisions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    features, _, labels, paths = noisy_digits()
    np.save("x.npy", features)
    pd.DataFrame({"path": paths, "label": labels}).to_csv("labels.csv", index=False)
    done = call("audit", "--features", "x.npy", "--table", "labels.csv", "--method", "ce")
    assert done.code == 0
    assert "10 classes, 400 samples" in done.out
    assert "estimated share of wrong labels" in done.out
    assert done.err.index("10 classes: ") < done.err.index("Judged by ce")
    assert "Judged by ce: 400 of 400" in done.err
    suspects = pd.read_csv("x-audit/suspects.csv", dtype=str)
    chosen = suspects.head(2)[["path", "given_label", "suggested_label"]]
    chosen.assign(decision=["accept", "keep"]).to_csv("x-audit/decisions.csv", index=False)
    applied = call("audit", "apply", "x-audit/decisions.csv")
    assert applied.code == 0
    assert "1 labels changed, 1 kept, 0 unsure, of 400" in applied.out
    assert (tmp_path / "x-audit" / "decided-labels.csv").is_file()


def test_a_folder_without_a_network_says_how_to_get_one(tmp_path):
    refused = call("audit", str(tmp_path))
    assert refused.code == 2
    assert "pip install -e plugins/lnlbench-efficientnet-lite" in refused.err


def test_too_few_folds_are_refused_before_anything_is_computed(tmp_path):
    refused = call("audit", str(tmp_path), "--folds", "1")
    assert (refused.code, "--folds" in refused.err) == (2, True)


def test_an_output_inside_the_folder_is_refused(tmp_path):
    refused = call("audit", str(tmp_path), "--output", str(tmp_path / "audit"))
    assert refused.code == 2
    assert "where the next audit would take it for a class" in refused.err


def test_the_default_output_has_the_whole_name_of_the_folder(tmp_path):
    folder, features = tmp_path / "photos.2024", tmp_path / "x.npy"
    assert output_folder(folder, features, None) == tmp_path / "photos.2024-audit"
    assert output_folder(None, features, None) == tmp_path / "x-audit"


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_shows_the_options_of_an_audit_and_names_apply(arguments):
    helped = call("audit", *arguments)
    assert "--features" in helped.out
    assert "lnlbench audit apply" in helped.out
    assert "[FOLDER]" in helped.out
