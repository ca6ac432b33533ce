"""Images in files in the place of images in memory: the same numbers, and errors that help."""

import multiprocessing
import os
import signal
from contextlib import suppress

import pytest
import torch
from data_fakes import wrong_share
from frozen import embed, frozen_protocol, weights_file
from streamed import checkpoint_below, decode, held_dataset, in_files, run, streamed_dataset
from tiny import comparable

from lnlbench.data.reading import default_workers, read_ahead
from lnlbench.errors import DataError, UsageError
from lnlbench.noise import apply_noise
from lnlbench.runner.display import QuietDisplay

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_process_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    assert multiprocessing.active_children() == []


@pytest.fixture
def held():
    return held_dataset()


@pytest.fixture
def streamed(held, tmp_path):
    return streamed_dataset(held, tmp_path / "data")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The results of runs on images in memory."""
    folder = tmp_path_factory.mktemp("expected")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {name: comparable(run(held_dataset(), name, folder)) for name in ("ce", "dividemix")}
    torch.set_num_threads(threads)
    return found


@pytest.mark.parametrize("name", ["ce", "dividemix"])
@pytest.mark.parametrize("workers", ["0", "2"])
def test_images_in_files_give_the_same_numbers(
    streamed, expected, tmp_path, monkeypatch, name, workers
):
    monkeypatch.setenv("LNLBENCH_WORKERS", workers)
    assert comparable(run(streamed, name, tmp_path)) == expected[name]
    assert expected[name]["status"] == "done"


def test_strong_views_are_the_same(held, streamed, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_WORKERS", "2")
    strong = {"params": {"warmup_epochs": 1, "augmentation": "ws"}}
    found = comparable(run(streamed, "dividemix", tmp_path / "files", **strong))
    assert found == comparable(run(held, "dividemix", tmp_path / "memory", **strong))


class Between(QuietDisplay):
    """Does something after the first epoch."""

    def __init__(self, act):
        self._act = act

    def epoch(self, report):
        if report.epoch == 0:
            self._act()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_file_that_vanishes_is_named_and_the_run_goes_on_once_it_is_back(
    streamed, expected, tmp_path, monkeypatch, workers
):
    monkeypatch.setenv("LNLBENCH_WORKERS", workers)
    file = streamed.train_images.file(17)
    pixels = file.read_bytes()
    failed = run(streamed, "ce", tmp_path, Between(file.unlink))
    assert failed.status == "failed"
    assert f"Cannot read the image {file}: No such file or directory" in failed.error
    assert "--resume" in failed.error
    assert checkpoint_below(tmp_path).exists()
    file.write_bytes(pixels)
    assert comparable(run(streamed, "ce", tmp_path)) == expected["ce"]


def test_a_file_that_turns_unreadable_is_named(streamed, tmp_path):
    file = streamed.test_images.file(3)
    failed = run(streamed, "ce", tmp_path, Between(lambda: file.write_bytes(b"short")))
    assert failed.status == "failed"
    assert f"Cannot read the image {file}: cannot reshape" in failed.error


def killed_in_a_worker(run_pid, file):
    if file.name == "50.bin" and os.getpid() != run_pid and (file.parent / "armed").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(file)


class Partial:
    """`functools.partial` without its name."""

    def __init__(self, function, *first):
        self.function, self.first = function, first

    def __call__(self, file):
        return self.function(*self.first, file)


@pytest.mark.timeout(60)
def test_a_killed_worker_is_an_error_that_helps_and_no_hang(held, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_WORKERS", "2")
    data = streamed_dataset(held, tmp_path / "data", Partial(killed_in_a_worker, os.getpid()))
    armed = tmp_path / "data" / "train" / "armed"
    failed = run(data, "ce", tmp_path, Between(armed.touch))
    assert failed.status == "failed"
    assert "A process that reads images has ended" in failed.error
    assert "fewer than 2" in failed.error
    armed.unlink()
    assert comparable(run(data, "ce", tmp_path)) == expected["ce"]


def stops_all(run_pid, file):
    if os.getpid() != run_pid:
        with suppress(FileNotFoundError):  # a second signal would be the user insisting
            (file.parent / "armed").unlink()
            os.kill(run_pid, signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
    return decode(file)


@pytest.mark.timeout(60)
def test_a_stop_that_ends_the_workers_first_is_an_interruption(held, tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_WORKERS", "2")
    data = streamed_dataset(held, tmp_path / "data", Partial(stops_all, os.getpid()))
    stopped = run(data, "ce", tmp_path, Between((tmp_path / "data" / "train" / "armed").touch))
    assert stopped.status == "interrupted"
    assert checkpoint_below(tmp_path).exists()


def noted(file):
    note = file.parent / f"{file.name}.threads"
    note.write_text(f"{os.getpid()} {torch.get_num_threads()}")
    return decode(file)


def test_workers_have_one_thread_each_and_leave_the_global_streams_alone(held, tmp_path):
    images = in_files(held.train_images, tmp_path / "data", noted)
    torch.set_num_threads(2)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    bounds = [(0, 70), (70, 200)]
    parts = list(read_ahead(images, torch.arange(200), bounds, CPU, workers=2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.cat(parts), held.train_images)
    notes = [note.read_text().split() for note in (tmp_path / "data").glob("*.threads")]
    assert len(notes) == 200
    assert {threads for _, threads in notes} == {"1"}
    assert len({pid for pid, _ in notes} - {str(os.getpid())}) == 2


def test_workers_end_when_nobody_waits_for_them_any_more(streamed):
    images = streamed.train_images
    parts = read_ahead(images, torch.arange(200), [(0, 100), (100, 200)], CPU, workers=2)
    next(parts)
    assert len(multiprocessing.active_children()) == 2
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    parts.close()
    assert multiprocessing.active_children() == []


def test_workers_end_although_somebody_keeps_the_error(streamed):
    images = streamed.train_images
    images.file(199).unlink()
    bounds = [(0, 100), (100, 200)]
    with pytest.raises(DataError) as kept:
        list(read_ahead(images, torch.arange(200), bounds, CPU, workers=2))
    assert multiprocessing.active_children() == []
    assert "199.bin" in str(kept.value)


@pytest.mark.parametrize("name", ["knn", "linear-probe", "embedding-filter"])
def test_what_compares_all_pixels_is_refused(streamed, tmp_path, name):
    failed = run(streamed, name, tmp_path)
    assert failed.status == "failed"
    assert "needs all images in memory" in failed.error
    assert "--frozen" in failed.error


def test_instance_dependent_noise_is_the_same(held, streamed):
    one, other = (apply_noise("instance:0.4", data, 3) for data in (held, streamed))
    assert torch.equal(one.labels, other.labels)
    assert wrong_share(one, held) > 0.2


def test_embeddings_are_the_same_and_in_the_same_place(tmp_path, monkeypatch):
    held = held_dataset(train=60, test=20)
    streamed = streamed_dataset(held, tmp_path / "data")
    protocol, weights = frozen_protocol(), weights_file(tmp_path)
    one = embed(held, protocol, weights)
    assert not embed(streamed, protocol, weights).computed
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "other"))
    other = embed(streamed, protocol, weights)
    assert other.computed
    assert other.folder.name == one.folder.name
    for view, same in zip((*one.train, one.test), (*other.train, other.test), strict=True):
        assert torch.equal(view, same)


def test_the_number_of_workers_is_that_of_the_threads_unless_told(monkeypatch):
    monkeypatch.delenv("LNLBENCH_WORKERS", raising=False)
    assert default_workers() == 1
    monkeypatch.setenv("LNLBENCH_WORKERS", " 5 ")
    assert default_workers() == 5
    for wrong in ("-1", "two", "1.5"):
        monkeypatch.setenv("LNLBENCH_WORKERS", wrong)
        with pytest.raises(UsageError, match="is not a number of processes"):
            default_workers()
