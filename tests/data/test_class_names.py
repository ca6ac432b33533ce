"""Lines that name the classes of data, and spellings of one class that they point to."""

import unicodedata

import pytest

from lnlbench.data.class_names import alike, class_lines

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("one", "other"), [("cat", "Cat"), ("cat", "cat "), ("big cat", "big  cat"), (NFC, NFD)]
)
def test_spellings_of_one_class_are_found(one, other):
    assert alike([one, "dog", other]) == [[one, other]]


def test_other_names_are_not_alike():
    assert alike(["cat", "cats", "cafe", "café", "009", "9", "big cat", "bigcat"]) == []


def test_the_lines_name_classes_and_both_spellings():
    classes, alike_names = class_lines(["Cat", "cat", NFC, NFD], [3, 1000, 2, 2])
    assert classes.startswith("4 classes: Cat (3), cat (1,000), ")
    assert "'Cat' and 'cat'; 'café' and 'cafe\\u0301'." in alike_names


def test_one_line_is_enough_for_many_classes():
    [line] = class_lines([f"class {number}" for number in range(23)], [1] * 23)
    assert line.startswith("23 classes: class 0 (1), ")
    assert line.endswith("class 19 (1), and 3 more")
