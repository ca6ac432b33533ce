"""Which epochs make a run's reported accuracies; needs no torch."""

from collections.abc import Sequence


def last_epochs(num_epochs: int) -> int:
    """How many final epochs `test_accuracy_last10` averages: 10, or a tenth of a shorter run."""
    return min(10, max(1, num_epochs // 10))


def reported_accuracies(
    test: Sequence[float], validation: Sequence[float] | None
) -> dict[str, float | None]:
    """The four accuracies of a finished run from its per-epoch curves.

    `selected` is the test accuracy of the epoch that is best on the validation split (the first of
    equal ones). `best` is chosen on the test set; it only serves comparison with papers.
    """
    tail = test[-last_epochs(len(test)) :]
    selected = None
    if validation is not None:
        selected = test[max(range(len(validation)), key=validation.__getitem__)]
    return {
        "test_accuracy_last10": sum(tail) / len(tail),
        "test_accuracy_last": test[-1],
        "test_accuracy_best": max(test),
        "test_accuracy_selected": selected,
    }
