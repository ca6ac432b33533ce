"""Images that are read ahead: whatever ends a worker is one error, and other errors stay."""

import pytest

from lnlbench.data.reading import _next
from lnlbench.errors import RunError


@pytest.mark.parametrize(
    "gone",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        FileNotFoundError(2, "No such file or directory"),
        EOFError(),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
    ],
)
def test_a_worker_that_dies_before_its_image_is_fetched_is_the_same_error(gone):
    def chunks():
        raise gone
        yield

    with pytest.raises(RunError, match=r"A process that reads images has ended: .*--resume"):
        _next(chunks())


def test_another_error_of_torch_is_none_of_a_worker():
    def chunks():
        raise RuntimeError("CUDA error")
        yield

    with pytest.raises(RuntimeError, match="CUDA error"):
        _next(chunks())
