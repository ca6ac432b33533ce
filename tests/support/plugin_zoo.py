"""Distributions written by hand into a folder, so that importlib.metadata really finds them."""

import contextlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from cli import Outcome, start_forked

# A data set of 200 + 60 images, whose content depends on a file below its setting `root`.
SHADES = """
from pathlib import Path

import torch
from pydantic import Field

import lnlbench


class Settings(lnlbench.Params):
    root: Path = Field(description="Folder with offset.txt.")
    size: int = Field(8, ge=8, description="Pixels.")


def load(settings):
    offset = int((settings.root / "offset.txt").read_text())
    labels = torch.arange(260) % 4
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 60, (260, 3, settings.size, settings.size), generator=generator)
    images = (noise + 40 * labels.view(-1, 1, 1, 1) + offset).to(torch.uint8)
    given = torch.where(torch.arange(200) % 5 == 0, (labels[:200] + 1) % 4, labels[:200])
    known = (settings.root / "clean").exists()
    return lnlbench.Dataset(
        name="shades",
        train_images=images[:200],
        train_labels=labels[:200] if known else given,
        test_images=images[200:],
        test_labels=labels[200:],
        classes=("a", "b", "c", "d"),
        mean=(0.4,) * 3,
        std=(0.2,) * 3,
        human_labels={"given": given},
        truth_known=known,
    )


@lnlbench.hookimpl
def register_datasets():
    return [lnlbench.DataSource("shades", "shades of [gray]", Settings, load)]
"""


def good_source(*names: str) -> str:
    """A plugin module with a working method for each name."""
    classes = "\n".join(
        f"class Method{number}(lnlbench.LossMethod):\n"
        f"    name = {name!r}\n"
        "    reference = 'Nobody (2026): an example'\n"
        "    def loss(self, network, batch, epoch):\n"
        "        return network(batch.views[0]).sum()\n"
        for number, name in enumerate(names)
    )
    listing = ", ".join(f"Method{number}" for number in range(len(names)))
    return (
        f"import lnlbench\n\n{classes}\n"
        f"@lnlbench.hookimpl\ndef register_methods():\n    return [{listing}]\n"
    )


def method_source(body: str, base: str = "lnlbench.Method") -> str:
    """A plugin module with one method, `base` with `body` as its class body, and `fit`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return (
        "import lnlbench\nfrom pydantic import Field\n\n"
        f"class Broken({base}):\n{lines}\n"
        "    def fit(self, run):\n        pass\n\n"
        "@lnlbench.hookimpl\ndef register_methods():\n    return [Broken]\n"
    )


def patient_source(seconds: float) -> str:
    """A plugin of the method `patient`, whose steps take that long: it is met in the middle."""
    return f"""
import time
import lnlbench
from torch.nn.functional import cross_entropy

class Patient(lnlbench.LossMethod):
    name = "patient"
    reference = "Nobody (2026): it takes its time, so that it can be met in the middle"

    def loss(self, network, batch, epoch):
        time.sleep({seconds})
        return cross_entropy(network(batch.views[0]), batch.labels)

@lnlbench.hookimpl
def register_methods():
    return [Patient]
"""


@contextlib.contextmanager
def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let distributions be found in a new folder, and forget their modules afterwards."""
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("LNLBENCH_PLUGINS", raising=False)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def install(
    site: Path,
    distribution: str,
    source: str,
    *,
    entry_point: str = "plugin",
    version: str = "1.0",
    requires: tuple[str, ...] = (),
) -> str:
    """Write a module and its dist-info into `site`; returns the module's name."""
    module = distribution.replace("-", "_") + "_module"
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    write_dist_info(
        site,
        distribution,
        f"[lnlbench]\n{entry_point} = {module}\n",
        version=version,
        requires=requires,
    )
    return module


def write_dist_info(
    site: Path,
    distribution: str,
    entry_points: str,
    *,
    version: str = "1.0",
    requires: tuple[str, ...] = (),
) -> Path:
    """Write what an installer would leave of a distribution; returns the dist-info folder."""
    folder = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (folder / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    return folder


def install_package(folder: Path, site: Path) -> tuple[str, str]:
    """Do for a package's folder what `pip install -e` does; returns what belongs on the path."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [f"{key} = {value}" for key, value in project["entry-points"]["lnlbench"].items()]
    site.mkdir(exist_ok=True)
    write_dist_info(
        site,
        project["name"],
        "\n".join(["[lnlbench]", *lines, ""]),
        version=project["version"],
        requires=tuple(project["dependencies"]),
    )
    return str(site), str(folder)


def on_path(folders: Sequence[str]) -> None:
    """Let a forked process find what is in these folders, and nothing outside this machine."""
    sys.path[:0] = folders
    os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"


def run_its_tests(folder: Path, installed: Callable[[], None], log: Path) -> Outcome:
    """Type `pytest` in a package's folder; `installed` puts what it needs on the path."""
    arguments = ("-q", "-p", "no:cacheprovider")
    prepare = partial(_enter, folder, installed)
    running = start_forked(*arguments, folder=log, prepare=prepare, program=pytest.console_main)
    return running.finish(280)


def _enter(folder: Path, installed: Callable[[], None]) -> None:
    os.chdir(folder)
    installed()
