"""Runs from Python: the results of `lnlbench run`, its errors, and no output."""

import threading

import numpy as np
import pytest
from cli import call

import lnlbench
from lnlbench.errors import Interrupted, RunError, UsageError
from lnlbench.results import ResultStore
from lnlbench.runner.execution import Execution

QUICK = {"track": "digits", "epochs": 2}


def test_it_is_the_run_of_the_command_line(tmp_path, capfd):
    result = lnlbench.run("gce", **QUICK, seed=1, q=0.5, output=tmp_path / "python")
    assert capfd.readouterr() == ("", "")
    call(
        *("run", "--method", "gce", "--track", "digits", "--epochs", "2", "--seed", "1"),
        *("--set", "q=0.5", "--quiet", "--output", str(tmp_path / "command")),
    )
    (other,), _ = ResultStore(tmp_path / "command" / "leaderboards").load_all()
    assert result.fingerprint == other.fingerprint
    assert result.curves == other.curves


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = lnlbench.run("ce", **QUICK, output=tmp_path)
    assert lnlbench.run("ce", **QUICK, output=tmp_path) == first


def test_samples_of_a_run_that_wrote_none_are_refused(tmp_path):
    lnlbench.run("ce", **QUICK, output=tmp_path)
    with pytest.raises(UsageError, match=r"is done, but there is no .*samples\.parquet"):
        lnlbench.run("ce", **QUICK, output=tmp_path, samples=True)
    assert lnlbench.run("ce", **QUICK, output=tmp_path, samples=True, overwrite=True)
    assert list((tmp_path / "runs").rglob("samples.parquet"))


def test_progress_is_shown_on_request(tmp_path, capfd):
    lnlbench.run("ce", **QUICK, output=tmp_path, progress=True)
    assert "epoch 2/2" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "gcee"}, "Did you mean 'gce'"),
        ({"method": "gce", "Q": 1}, "has no parameter 'Q'"),
        ({"method": "gce", "epochs": 0}, "epochs"),
        ({"method": "gce", "noise": "symetric:0.4"}, "symmetric"),
        ({"method": "gce", "dataset": "digitts"}, "digits"),
        ({"method": "gce", "override": {"optimizer.momentumm": 0.5}}, "optimizer.momentum"),
    ],
)
def test_mistakes_get_the_errors_of_the_command_line(tmp_path, arguments, said):
    with pytest.raises(UsageError) as error:
        lnlbench.run(**{"track": "digits", **arguments}, output=tmp_path)
    assert said in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_run_that_diverges_raises_and_keeps_its_result(tmp_path):
    with pytest.raises(RunError, match="diverged"):
        lnlbench.run("ce", **QUICK, lr=1e30, output=tmp_path)
    (result,), _ = ResultStore(tmp_path / "leaderboards").load_all()
    assert result.status == "diverged"


def test_threads_take_turns_and_get_the_results_of_one(tmp_path):
    alone = lnlbench.run("ce", **QUICK, output=tmp_path / "alone")
    found = {}

    def work(name):
        found[name] = lnlbench.run("ce", **QUICK, output=tmp_path / name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[name].curves for name in ("a", "b")] == [alone.curves, alone.curves]


def blobs(count=240):
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, count)
    features = random.normal(size=(count, 6)) + 3 * np.eye(6)[truth]
    noisy = np.where(random.random(count) < 0.3, random.integers(0, 3, count), truth)
    return features, np.array(["ant", "bee", "cat"])[noisy], np.array(["ant", "bee", "cat"])[truth]


@pytest.mark.parametrize("method", ["ce", "dividemix", "knn", "embedding-filter"])
def test_features_of_ones_own_train_a_head(tmp_path, method):
    features, noisy, truth = blobs()
    data = lnlbench.Dataset.from_arrays(features, noisy, clean_labels=truth, name="blobs")
    result = lnlbench.run(
        method, track="cifar100n-embedding", dataset=data, epochs=6, output=tmp_path
    )
    assert result.scores.test_accuracy_last > 0.6
    assert result.data.noise == "given"
    assert result.data.noise_rate == pytest.approx(np.mean(noisy != truth), abs=0.05)
    assert "48 of 240 samples" in " ".join(result.data.notes)


@pytest.mark.parametrize("method", ["ce", "dividemix"])
def test_a_head_that_is_stopped_and_resumed_has_the_same_bits(tmp_path, monkeypatch, method):
    features, noisy, _ = blobs()
    data = lnlbench.Dataset.from_arrays(features, noisy, name="blobs")
    settings = {"track": "cifar100n-embedding", "dataset": data, "epochs": 4}
    whole = lnlbench.run(method, **settings, output=tmp_path / "whole")
    finish = Execution.epoch_finished

    def stop_after_the_second(self, epoch):
        finish(self, epoch)
        if epoch == 1:
            raise Interrupted("stopped by the test")

    with monkeypatch.context() as stopping, pytest.raises(Interrupted):
        stopping.setattr(Execution, "epoch_finished", stop_after_the_second)
        lnlbench.run(method, **settings, output=tmp_path / "stopped")
    resumed = lnlbench.run(method, **settings, output=tmp_path / "stopped")
    assert resumed.curves == whole.curves
    assert resumed.scores == whole.scores


def test_images_of_ones_own_train_a_network(tmp_path):
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    images = random.integers(0, 80, (60, 10, 14, 3), dtype=np.uint8) + (labels * 150).astype(
        np.uint8
    ).reshape(-1, 1, 1, 1)
    data = lnlbench.Dataset.from_arrays(images, labels, name="shades")
    result = lnlbench.run("ce", **QUICK, dataset=data, output=tmp_path)
    assert result.data.num_classes == 2


def test_features_refuse_a_network_for_images_and_noise_from_pixels(tmp_path):
    features, noisy, _ = blobs()
    data = lnlbench.Dataset.from_arrays(features, noisy, name="blobs")
    with pytest.raises(UsageError, match="drawn from pixels"):
        lnlbench.run("ce", dataset=data, noise="instance:0.4", output=tmp_path)
    taken = lnlbench.Dataset.from_arrays(features, noisy, name="digits")
    with pytest.raises(UsageError, match="another name"):
        lnlbench.run("ce", dataset=taken, output=tmp_path)
