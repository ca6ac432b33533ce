import importlib
import sys

import pytest

from lnlbench.methods import register_methods
from lnlbench.plugins.method_source import _code, _file, _tree, source_sha256

METHOD = '''
"""A method."""

from lnlbench import LossMethod
from {package}.piece import weight


class Own(LossMethod):
    """A loss."""

    name = "own"
    reference = "Nobody (2026)"

    def loss(self, network, batch, epoch):
        return weight() * network(batch.views[0]).sum()
'''
PIECE = "def weight():\n    return 1.0\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a package of a method and a piece; returns the hash of the method's code."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = "lnlbench_source_test"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    def write(method=METHOD, piece=PIECE, other="x = 1\n"):
        (folder / "method.py").write_text(method.format(package=package))
        (folder / "piece.py").write_text(piece)
        (folder / "other.py").write_text(other)
        for name in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[name]
        for cached in (_file, _tree, _code):
            cached.cache_clear()
        importlib.invalidate_caches()
        return source_sha256(importlib.import_module(f"{package}.method").Own)

    yield write
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def test_code_that_computes_the_same_has_the_same_hash(written):
    first = written()
    assert first == written(METHOD.replace('"""A loss."""', '"""Another docstring."""'))
    assert first == written(piece=f'"""A docstring."""\n\n\n{PIECE}\n# A comment.\n')
    assert first == written(f"import os\n{METHOD}")
    assert first == written(other="x = 2\n"), "a module that the method does not import"


def test_an_edit_of_the_method_or_of_what_it_imports_changes_the_hash(written):
    first = written()
    assert first != written(METHOD.replace(".sum()", ".mean()"))
    assert first != written(piece=PIECE.replace("1.0", "0.0"))
    assert first != written(piece=PIECE.replace("1.0", "0"))


def test_every_built_in_method_has_a_hash_and_pieces_belong_to_it():
    hashes = {method.name: source_sha256(method) for method in register_methods()}
    assert None not in hashes.values()
    modules = {method.__module__ for method in register_methods()}
    assert len(set(hashes.values())) == len(modules)


def test_a_method_without_a_source_file_has_no_hash():
    namespace = {"__name__": "__nowhere__"}
    exec("from lnlbench import LossMethod\nclass Own(LossMethod):\n    name = 'own'", namespace)
    assert source_sha256(namespace["Own"]) is None
