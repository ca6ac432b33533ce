"""The published files themselves: LNLBENCH_DATA_DIR names a folder that has them."""

import os
import time
from pathlib import Path

import pytest
from data_fakes import wrong_share
from typer.testing import CliRunner

from lnlbench.cli.data import app
from lnlbench.data import load_dataset
from lnlbench.data.human import CIFAR10N, CIFAR100N
from lnlbench.data.pickles import read_torch_pickle
from lnlbench.noise import apply_noise

FOLDER = os.environ.get("LNLBENCH_DATA_DIR", "")

pytestmark = [
    pytest.mark.cifar,
    pytest.mark.skipif(not FOLDER, reason="LNLBENCH_DATA_DIR does not name a folder with CIFAR"),
]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def cifar100(own_cache):
    return load_dataset("cifar100n")


def test_cifar100_is_what_krizhevsky_published(cifar100):
    assert cifar100.train_images.shape == (50_000, 3, 32, 32)
    assert cifar100.classes[:3] == ("apple", "aquarium_fish", "baby")
    scaled = cifar100.train_images.float() / 255
    assert scaled.mean(dim=(0, 2, 3)).tolist() == pytest.approx(cifar100.mean, abs=2e-3)
    assert scaled.std(dim=(0, 2, 3)).tolist() == pytest.approx(cifar100.std, abs=2e-3)


def test_human_noise_rates_are_the_published_ones(cifar100):
    fine = apply_noise("noisy-fine", cifar100, 0)
    assert wrong_share(fine, cifar100) == pytest.approx(0.40200, abs=1e-9)
    coarse = load_dataset("cifar100-coarse")
    noisy = apply_noise("noisy-coarse", coarse, 0)
    assert wrong_share(noisy, coarse) == pytest.approx(0.26404, abs=1e-9)
    assert coarse.classes[4] == "fruit_and_vegetables"


def test_cifar10n_rates_are_the_published_ones():
    path = Path(FOLDER) / CIFAR10N.file
    if not path.is_file():
        pytest.skip(f"{CIFAR10N.file} is not in LNLBENCH_DATA_DIR")
    content = read_torch_pickle(path)
    found = {
        name: float((content[key] != content["clean_label"]).mean())
        for name, key in CIFAR10N.keys.items()
    }
    assert found == pytest.approx(dict(CIFAR10N.rates), abs=6e-5)


def test_the_second_load_is_quick(cifar100):
    start = time.perf_counter()
    load_dataset("cifar100")
    assert time.perf_counter() - start < 1


def test_matched_noise_copies_the_human_confusion(cifar100):
    import numpy as np

    from lnlbench.noise.transition import empirical_transition_matrix as matrix

    matched = apply_noise("matched", cifar100, 0)
    human = cifar100.human_labels["noisy-fine"]
    assert wrong_share(matched, cifar100) == pytest.approx(0.402, abs=0.01)
    assert not matched.labels.equal(human)
    difference = matrix(cifar100.train_labels, matched.labels, 100) - matrix(
        cifar100.train_labels, human, 100
    )
    assert np.abs(difference).max() < 0.12  # 500 draws a row: about 5 standard errors


def test_asymmetric_noise_stays_inside_the_superclass(cifar100):
    import torch

    noisy = apply_noise("asymmetric-superclass:0.4", cifar100, 0)
    superclass = torch.tensor(cifar100.superclasses)
    assert superclass[noisy.labels].equal(superclass[cifar100.train_labels])
    assert wrong_share(noisy, cifar100) == pytest.approx(0.4, abs=0.01)


def test_check_prints_files_and_rates():
    result = CliRunner().invoke(app, ["check", "cifar100n"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception
    assert "0.4020 (published: 0.4020)" in result.stdout
    assert CIFAR100N.checksum.removeprefix("sha256:") in result.stdout
