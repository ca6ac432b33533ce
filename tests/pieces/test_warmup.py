"""The length of a warm-up."""

import pytest

from lnlbench.pieces.warmup import warmup_length


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
