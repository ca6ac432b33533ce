"""Copies and examples, against comparisons of all pairs."""

import torch

from lnlbench.audit.likeness import NEAR, find_copies, nearest_trusted, unit_vectors


def vectors(count=60, width=100):
    features = torch.randn(count, width, generator=torch.Generator().manual_seed(3))
    features[7] = features[40]
    features[9] = features[40]
    features[11] = features[12] + 0.05 * features[13]
    return unit_vectors(features)


def test_copies_are_those_of_all_pairs():
    units = vectors()
    cosines = units.float() @ units.float().T
    expected = {(i, j) for i in range(60) for j in range(i + 1, 60) if cosines[i, j] >= NEAR}
    copies = find_copies(units)
    assert {tuple(pair) for pair in copies.pairs.tolist()} == expected
    assert expected == {(7, 9), (7, 40), (9, 40), (11, 12)}
    assert copies.exact().tolist() == [tuple(pair) != (11, 12) for pair in copies.pairs.tolist()]
    groups = copies.groups(60)
    assert groups[[7, 9, 40]].tolist() == [7, 7, 7]
    assert groups[12] == 12


def test_the_nearest_trusted_sample_is_of_the_class_and_another_one():
    units = vectors()
    labels = torch.arange(60) % 3
    trusted = torch.arange(60) % 2 == 0
    rows = torch.tensor([0, 1, 2, 3, 40])
    classes = torch.tensor([0, 1, 2, 0, 1])
    found = nearest_trusted(units, rows, classes, labels, trusted)
    for row, number, best in zip(rows.tolist(), classes.tolist(), found.tolist(), strict=True):
        allowed = [i for i in range(60) if trusted[i] and labels[i] == number and i != row]
        cosines = units[allowed].float() @ units[row].float()
        assert best == allowed[int(cosines.argmax())]
    without = nearest_trusted(units, rows, classes, labels, torch.zeros(60, dtype=torch.bool))
    assert without.tolist() == [-1] * 5


def test_samples_of_few_features_are_not_taken_for_copies():
    features = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    copies = find_copies(unit_vectors(features))
    assert len(copies.pairs) == 0
    assert copies.groups(50).tolist() == list(range(50))
