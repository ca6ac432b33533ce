"""`lnlbench plugins new`: every kind of package is complete, and passes its own tests untouched."""

import tomllib
from functools import partial

import pytest
from cli import call, start_forked
from packaging.requirements import Requirement
from plugin_zoo import install_package, on_path, run_its_tests

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.plugins.scaffold import KINDS, LICENCES, write_plugin


# A loss method's package is the guide's, and is tested with it.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "loss"])
def test_a_new_plugin_loads_and_passes_its_own_tests(kind, tmp_path):
    folder = write_plugin("new-one", kind, tmp_path, "MIT", None)
    assert folder == tmp_path / "lnlbench-new-one"
    installed = partial(on_path, install_package(folder, tmp_path / "site"))
    arguments = ("plugins", "--strict", "--json")
    listed = start_forked(*arguments, folder=tmp_path / "log", prepare=installed).finish()
    assert listed.code == 0, listed.err
    assert '"lnlbench-new-one"' in listed.out
    done = run_its_tests(folder, installed, tmp_path / "log")
    assert done.code == 0, done.out + done.err
    assert " passed" in done.out


def test_the_package_is_complete_and_bounded(tmp_path):
    done = call("plugins", "new", "trim", "--output", tmp_path, "--author", 'A "B" C')
    assert done.code == 0, done.err
    assert "lnlbench plugins check lnlbench-trim" in done.out
    folder = tmp_path / "lnlbench-trim"
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files == {
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "lnlbench_trim.py",
        "pyproject.toml",
        "tests/test_trim.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": 'A "B" C'}]
    [requirement] = project["dependencies"]
    specifier = Requirement(requirement).specifier
    assert specifier.contains(lnlbench.__version__)
    assert not specifier.contains("1.0")
    assert "${{ matrix.python }}" in (folder / ".github/workflows/test.yml").read_text()
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("licence", LICENCES)
def test_the_licence_is_the_one_that_was_chosen(licence, tmp_path):
    folder = write_plugin("trim", "loss", tmp_path, licence, "Somebody")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["license"] == licence
    text = (folder / "LICENSE").read_text()
    assert licence.split("-")[0] in text
    assert "{{" not in text
    assert "Somebody" in text or licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("Trim Loss", "loss", "Did you mean 'trim-loss'"),
        ("ce", "loss", "lnlbench's own"),
        ("lnlbench-ce", "two-network", "lnlbench's own"),
        ("cifar100n", "dataset", "lnlbench's own"),
        ("trim", "los", "Did you mean 'loss'"),
        ("../trim", "loss", "lower-case words"),
    ],
)
def test_what_cannot_be_written_is_said(name, kind, reason, tmp_path):
    with pytest.raises(UsageError, match=reason):
        write_plugin(name, kind, tmp_path, "MIT", None)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "lnlbench-trim").mkdir()
    with pytest.raises(UsageError, match="exists"):
        write_plugin("trim", "loss", tmp_path, "MIT", None)
    with pytest.raises(UsageError, match="licence"):
        write_plugin("other", "loss", tmp_path, "GPL", None)


@pytest.mark.parametrize("name", ["2fast", "class"])
def test_any_allowed_name_gives_valid_python(name, tmp_path):
    folder = write_plugin(name, "loss", tmp_path, "MIT", None)
    for file in folder.rglob("*.py"):
        compile(file.read_text(), str(file), "exec")
