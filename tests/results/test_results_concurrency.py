"""Sixteen processes that save into one store at a time: nothing is lost, torn, or there twice."""

import multiprocessing
from pathlib import Path

import pytest
from factories import make_result

from lnlbench.errors import RunError, UsageError
from lnlbench.results import ResultStore, store

WRITERS, SEEDS, CONTESTED = 16, 12, 6
# Importing pydantic takes longer than all that is written here; forks have done it.
_fork = multiprocessing.get_context("fork")


def write(writer, root, together, failures):
    """Save results of this writer alone, and some that every writer makes in its own version."""
    store = ResultStore(root)
    together.wait()
    for seed in range(SEEDS):
        store.save(make_result(f"method-{writer % 4}", seed, track=f"track-{writer}"))
        if seed < CONTESTED:
            # One claim, another spec: its file has another name.
            contested = make_result("contested", seed, spec={"workers": writer})
            try:
                store.save(contested)
            except UsageError as error:
                failures.put((writer, seed, str(error)))


def test_sixteen_writers_lose_and_double_nothing(tmp_path):
    together, failures = _fork.Barrier(WRITERS + 1), _fork.SimpleQueue()
    writers = [
        _fork.Process(target=write, args=(writer, tmp_path, together, failures))
        for writer in range(WRITERS)
    ]
    for process in writers:
        process.start()
    together.wait()
    refused = []
    while any(process.is_alive() for process in writers) or not failures.empty():
        # A reader beside them sees whole files alone.
        assert ResultStore(tmp_path).load_all()[1] == []
        while not failures.empty():
            refused.append(failures.get())
    assert [process.exitcode for process in writers] == [0] * WRITERS

    results, bad = ResultStore(tmp_path).load_all()
    assert bad == []
    names = [(result.track, result.method.name, result.seed) for result in results]
    own = [(f"track-{w}", f"method-{w % 4}", seed) for w in range(WRITERS) for seed in range(SEEDS)]
    contested = [("cifar100n-resnet34", "contested", seed) for seed in range(CONTESTED)]
    assert sorted(names) == sorted(own + contested)
    assert len(refused) == (WRITERS - 1) * CONTESTED
    assert all("already holds this run's finished result" in text for *_, text in refused)
    assert [path.name for path in tmp_path.rglob(".*")] == [".lock"]


def hold(root, held, free):
    with ResultStore(root)._locked():
        held.set()
        free.wait(30)


def test_a_store_that_another_process_holds_is_waited_for_and_then_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_PATIENCE_SECONDS", 0.1)
    held, free = _fork.Event(), _fork.Event()
    holder = _fork.Process(target=hold, args=(tmp_path, held, free))
    holder.start()
    assert held.wait(30)
    with pytest.raises(RunError, match="another process has held"):
        ResultStore(tmp_path).save(make_result())
    monkeypatch.setattr(store, "_PATIENCE_SECONDS", 30)
    free.set()
    assert Path(ResultStore(tmp_path).save(make_result())).exists()
    holder.join(30)
