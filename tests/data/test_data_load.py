import subprocess
import sys
from pathlib import Path

import pytest
from data_fakes import cifar100_folder

from lnlbench.data import DATASETS, canonical_name, dataset_names, load_dataset
from lnlbench.data.human import CIFAR100N
from lnlbench.data.location import resolve_data_dir
from lnlbench.data.sources import SOURCES
from lnlbench.errors import DataError, UsageError


def test_aliases_lead_to_canonical_names():
    assert canonical_name("cifar100n") == "cifar100"
    assert canonical_name("cifar10n") == "cifar10"
    assert canonical_name("CIFAR100N-coarse") == "cifar100-coarse"
    assert all(canonical_name(name) == name for name in dataset_names())


def test_no_alias_is_shared():
    names = [name for key, info in DATASETS.items() for name in (key, *info.aliases)]
    assert len(names) == len(set(names))


def test_every_data_set_has_sources():
    assert set(SOURCES) == set(DATASETS)


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UsageError, match=r"'cifar1000'.*Did you mean 'cifar100'\?.*digits"):
        load_dataset("cifar1000")


@pytest.mark.parametrize("through", ["argument", "variable"])
def test_a_given_folder_is_only_read(tmp_path, monkeypatch, through):
    folder = tmp_path / "mine"
    cifar100_folder(folder)
    (folder / "cifar-100-python/test").unlink()
    (folder / CIFAR100N.file).unlink()
    before = sorted(path for path in folder.rglob("*"))
    monkeypatch.setenv("LNLBENCH_DATA_DIR", str(folder) if through == "variable" else "")
    with pytest.raises(DataError) as caught:
        load_dataset("cifar100n", folder if through == "argument" else None)
    message = str(caught.value)
    assert f"missing: {folder / 'cifar-100-python' / 'test'}\n" in message
    assert f"missing: {folder / CIFAR100N.file}\n" in message
    assert "cifar-100-python/train" not in message
    assert "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz" in message
    assert "UCSC-REAL/cifar-10-100n/main/data/CIFAR-100_human.pt" in message
    assert "--track digits" in message
    assert sorted(path for path in folder.rglob("*")) == before


def test_the_inner_folder_is_recognized(tmp_path):
    cifar100_folder(tmp_path)
    with pytest.raises(DataError, match=rf"Did you mean its parent folder, {tmp_path}\?"):
        load_dataset("cifar100", tmp_path / "cifar-100-python")


def test_without_download_the_default_folder_is_only_read(tmp_path, monkeypatch):
    monkeypatch.delenv("LNLBENCH_DATA_DIR", raising=False)
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"lnlbench data fetch cifar10' with a network"):
        load_dataset("cifar10", download=False)
    assert not (tmp_path / "cache").exists()


def test_which_folder_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_DATA_DIR", str(tmp_path / "variable"))
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    assert resolve_data_dir(tmp_path / "argument").path == tmp_path / "argument"
    assert resolve_data_dir().path == tmp_path / "variable"
    monkeypatch.setenv("LNLBENCH_DATA_DIR", "")
    assert resolve_data_dir().path == tmp_path / "cache/data"
    assert not resolve_data_dir().given
    assert resolve_data_dir(Path("relative")).path.is_absolute()


def test_names_and_noises_are_known_without_heavy_imports():
    code = (
        "import sys, lnlbench.data, lnlbench.noise, lnlbench.cli.data\n"
        "lnlbench.noise.check_noise('symmetric:0.4', 'cifar100n')\n"
        "print([m for m in ('torch', 'numpy', 'sklearn', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_default_folder_is_downloaded_into(tmp_path, monkeypatch):
    monkeypatch.delenv("LNLBENCH_DATA_DIR", raising=False)
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    asked = []

    def offline(name, folder, *, progress):
        asked.append((name, folder))
        raise DataError("no network")

    monkeypatch.setattr("lnlbench.data.fetch.fetch", offline)
    with pytest.raises(DataError, match="no network"):
        load_dataset("cifar100n-coarse")
    assert asked == [("cifar100-coarse", tmp_path / "cache/data")]
