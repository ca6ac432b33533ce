"""From features and labels to the files: what is in them, and that they are read again."""

import contextlib
import csv
import json
import threading

import numpy as np
import pandas as pd
import pytest
from audited import COUNT, noisy_digits, small_audit

from lnlbench import audit
from lnlbench.audit.decisions import apply_decisions
from lnlbench.audit.files import LABELS, SUSPECTS, csv_bytes, write_files
from lnlbench.audit.findings import summary
from lnlbench.audit.tables import read_features, read_label_table
from lnlbench.errors import DataError, RunError, UsageError
from lnlbench.seeds import TURN


@pytest.fixture
def given(tmp_path):
    """Files with features and labels, as a user brings them."""
    features, clean, labels, paths = noisy_digits()
    np.save(tmp_path / "x.npy", features)
    table = {"path": paths, "label": labels, "clean_label": clean}
    pd.DataFrame(table).to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def read(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_an_audit_of_features_finds_most_wrong_labels_and_writes_its_files(given, capsys):
    table = given / "labels.csv"
    found = audit(table=table, features=given / "x.npy", method="ce", output=given / "out")
    assert capsys.readouterr() == ("", "")
    facts = json.loads((given / "out" / "summary.json").read_text(encoding="utf-8"))
    assert facts["samples"] == COUNT
    assert facts["detection"]["auroc"] > 0.97
    assert facts["noise_rate"]["low"] < facts["detection"]["true_noise_rate"]
    assert facts["noise_rate"]["estimate"] == pytest.approx(found.suspicion.mean())
    suspects, labels = read(given / "out" / "suspects.csv"), read(given / "out" / "labels.csv")
    assert tuple(suspects[0]) == SUSPECTS
    assert tuple(labels[0]) == LABELS
    assert len(suspects) == facts["suspects"] == len(found.suspects)
    assert len(labels) == COUNT
    values = [float(row["suspicion"]) for row in suspects]
    assert values == sorted(values, reverse=True)
    assert len({row["suspicion"] for row in labels}) == COUNT
    assert all(row["given_label"] != row["suggested_label"] for row in suspects)
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in labels for cell in row.values())
    assert (given / "out" / "audit.html").is_file()


def test_an_audit_waits_until_a_run_of_another_thread_has_ended(given, monkeypatch):
    began = threading.Event()

    def judge(samples, *rest):
        began.set()
        raise RunError("the audit has had its turn")

    def start():
        with contextlib.suppress(RunError):
            audit(table=given / "labels.csv", features=given / "x.npy", method="ce")

    monkeypatch.setattr("lnlbench.audit.conduct.judge_samples", judge)
    thread = threading.Thread(target=start)
    with TURN:
        thread.start()
        assert not began.wait(1)
    thread.join(60)
    assert began.is_set()


def test_the_table_of_labels_is_read_as_it_was_meant(tmp_path):
    found = small_audit()
    write_files(found, tmp_path)
    table = read_label_table(tmp_path / "labels.csv")
    names = found.samples.classes
    assert table.paths == found.samples.paths
    assert table.labels == tuple(names[label] for label in found.labels.tolist())


def test_examples_are_trusted_samples_of_the_two_classes():
    found = small_audit()
    labels = found.samples.labels
    suspects = set(found.suspects.tolist())
    for row, near, other in zip(
        found.suspects.tolist(),
        found.nearest_suggested.tolist(),
        found.nearest_given.tolist(),
        strict=True,
    ):
        assert near == -1 or labels[near] == found.suggested[row]
        assert other == -1 or labels[other] == labels[row]
        assert not suspects & {near, other}


def test_several_methods_are_combined_by_rank(given):
    files = {"table": given / "labels.csv", "features": given / "x.npy"}
    one, other = (audit(method=name, **files).suspicion for name in ("ce", "gce"))
    both = audit(method=["ce", "gce"], **files).suspicion
    ranks = one.argsort().argsort() + other.argsort().argsort()
    order = both.argsort()
    assert (np.diff(ranks[order]) >= 0).all()
    np.testing.assert_allclose(both.mean(), (one.mean() + other.mean()) / 2)
    assert len(set(both.tolist())) > 0.98 * COUNT
    with pytest.raises(UsageError, match="name one: --method"):
        audit(method=["ce", "gce"], params={"q": 0.5}, **files)


def test_decisions_become_labels_that_are_not_asked_about_again(tmp_path):
    found = small_audit()
    write_files(found, tmp_path)
    names, rows = found.samples.classes, found.suspects.tolist()[:3]
    lines = [
        (
            found.samples.paths[row],
            names[found.samples.labels[row]],
            names[found.suggested[row]],
            choice,
        )
        for row, choice in zip(rows, ("accept", "keep", "unsure"), strict=True)
    ]
    columns = ("path", "given_label", "suggested_label", "decision")
    (tmp_path / "decisions.csv").write_bytes(csv_bytes(columns, lines))
    new = tmp_path / "new.csv"
    done = apply_decisions(tmp_path / "decisions.csv", tmp_path / "labels.csv", new)
    assert (done.accepted, done.kept, done.unsure) == (1, 1, 1)
    table = read_label_table(new)
    expected = [names[label] for label in found.samples.labels.tolist()]
    expected[rows[0]] = names[found.suggested[rows[0]]]
    assert list(table.labels) == expected
    assert [table.decisions[row] for row in rows] == ["accept", "keep", "unsure"]
    again = small_audit(table.decisions, list(table.labels))
    assert not set(rows[:2]) & set(again.suspects.tolist())
    assert rows[2] in again.suspects.tolist()
    assert summary(again)["already_decided"] == 2
    # A third audit does not forget what was said before the second.
    write_files(again, tmp_path / "again")
    (tmp_path / "none.csv").write_bytes(csv_bytes(columns, []))
    apply_decisions(
        tmp_path / "none.csv", tmp_path / "again" / "labels.csv", tmp_path / "third.csv"
    )
    third = read_label_table(tmp_path / "third.csv")
    assert (third.labels, third.decisions) == (table.labels, table.decisions)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png,a,,accept", "row 2: it accepts a suggested label, and none is there"),
        ("a.png,a,b,keep\na.png,a,b,accept", "row 3: another row decides otherwise on 'a.png'"),
        ("a.png,=5,=6,maybe", "the decision is 'maybe'. Write one of accept, keep, unsure"),
        ("elsewhere.png,'=5,'=6,keep", "Name the folder of the audit"),
    ],
)
def test_decisions_of_another_audit_or_kind_are_refused(tmp_path, line, message):
    write_files(small_audit(), tmp_path)
    (tmp_path / "d.csv").write_text(f"path,given_label,suggested_label,decision\n{line}\n")
    with pytest.raises(UsageError, match=message):
        apply_decisions(tmp_path / "d.csv", tmp_path / "labels.csv", tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()


def test_decisions_that_a_person_typed_are_understood_and_new_labels_are_told(tmp_path):
    found = small_audit()
    write_files(found, tmp_path)
    row = found.suspects.tolist()[0]
    given = found.samples.classes[found.samples.labels[row]]
    line = (found.samples.paths[row], given, "my own class", " Accept ")
    columns = ("path", "given_label", "suggested_label", "decision")
    (tmp_path / "d.csv").write_bytes(csv_bytes(columns, [line]))
    done = apply_decisions(tmp_path / "d.csv", tmp_path / "labels.csv", tmp_path / "new.csv")
    assert (done.accepted, done.new) == (1, ("my own class",))
    assert read_label_table(tmp_path / "new.csv").labels[row] == "my own class"
    with pytest.raises(UsageError, match=r"holds no nolabels\.csv of an audit.*--audit DIR"):
        apply_decisions(tmp_path / "d.csv", tmp_path / "nolabels.csv", tmp_path / "new.csv")


def test_a_table_with_two_rows_of_one_path_is_refused(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,label,given_label,suspicion\na.png,x,x,0.1\nb.png,x,x,0.1\na.png,x,y,0.9\n"
    )
    with pytest.raises(DataError, match=r"row 4: the path 'a.png' is in row 2 already"):
        read_label_table(table)
    (tmp_path / "d.csv").write_text("path,given_label,suggested_label,decision\na.png,y,x,accept\n")
    with pytest.raises(DataError, match="in row 2 already"):
        apply_decisions(tmp_path / "d.csv", table, tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()


def test_files_without_one_array_of_features_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", first=np.ones((3, 2)), second=np.ones((3, 2)))
    with pytest.raises(DataError, match=r"several arrays: first, second\. Save one"):
        read_features(tmp_path / "x.npz")
    np.save(tmp_path / "x.npy", np.ones((3, 0)))
    with pytest.raises(DataError, match=r"\[3, 0\]"):
        read_features(tmp_path / "x.npy")


def test_features_and_tables_that_do_not_fit_are_refused(given):
    table, features = given / "labels.csv", given / "x.npy"
    with pytest.raises(UsageError, match="Features have no labels"):
        audit(features=features)
    with pytest.raises(UsageError, match="Name a folder of images"):
        audit()
    values = np.load(features)
    np.save(given / "short.npy", values[:-1])
    with pytest.raises(DataError, match="399 rows, and the table has 400"):
        audit(features=given / "short.npy", table=table)
    values[3, 2] = np.nan
    np.save(given / "nan.npy", values)
    with pytest.raises(DataError, match="1 rows hold NaN or infinite values, first row 3"):
        audit(features=given / "nan.npy", table=table)
    (given / "none.csv").write_text("path,class\na,b\n")
    with pytest.raises(DataError, match="no column 'label'"):
        audit(features=features, table=given / "none.csv")
