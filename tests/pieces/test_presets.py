"""Defaults by the number of classes and of epochs."""

import pytest

from lnlbench.pieces.presets import preset, warmup_length


@pytest.mark.parametrize(
    ("value", "classes", "expected"),
    [(None, 10, 1), (None, 99, 1), (None, 100, 2), (7, 10, 7), (0, 100, 0), (False, 100, False)],
)
def test_a_preset_gives_way_to_any_value(value, classes, expected):
    assert preset(value, few=1, many=2, num_classes=classes) is expected


@pytest.mark.parametrize(
    ("epochs", "share", "max_epochs", "expected"),
    [
        (None, 0.1, 300, 30),
        (None, 0.1, 3, 1),
        (None, 1 / 3, 5, 2),
        (0, 0.1, 300, 0),
        (7, 0.1, 3, 7),
    ],
)
def test_the_length_of_a_warm_up(epochs, share, max_epochs, expected):
    assert warmup_length(epochs, share, max_epochs) == expected
