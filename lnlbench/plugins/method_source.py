"""A hash of a method's own code, which tells whether the method was edited after a result.

The hash covers the method's module and all modules of its distribution that it imports, directly
or not. For lnlbench itself these are `lnlbench.methods` and `lnlbench.pieces`; the rest of lnlbench
runs every method alike, and the result names its version and commit. Comments, docstrings, layout
and import statements do not count, because they do not change what a run computes.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lnlbench.interface.method import Method

_OWN = ("lnlbench.methods", "lnlbench.pieces")


def source_sha256(method: "type[Method]") -> str | None:
    """The SHA-256 of a method's code; None if there is no source file, as in a notebook."""
    first = method.__module__
    top = first.partition(".")[0]
    roots = _OWN if top == "lnlbench" else (top,)
    digest = hashlib.sha256()
    found, waiting = set(), [first]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting.extend(_imports(name, roots))
    for name in sorted(found):
        code = _code(name)
        if code is None:
            return None
        digest.update(f"{name}\n{code}\n".encode())
    return digest.hexdigest()


def _imports(module: str, roots: tuple[str, ...]) -> Iterator[str]:
    """The modules below `roots` that a module imports anywhere in its code."""
    tree = _tree(module)
    for node in ast.walk(tree) if tree else ():
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = _parent(module, node)
            # In `from package import name`, the name may be a module or an object in one.
            names = [parent, *(f"{parent}.{alias.name}" for alias in node.names)]
        for name in names:
            below = any(name == root or name.startswith(f"{root}.") for root in roots)
            if below and name not in _OWN and _file(name) is not None:
                yield name


def _parent(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    file = _file(module)
    is_package = file is not None and file.name == "__init__.py"
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*kept, *([node.module] if node.module else [])])


@cache
def _file(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


@cache
def _tree(module: str) -> ast.Module | None:
    file = _file(module)
    try:
        return None if file is None else ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


@cache
def _code(module: str) -> str | None:
    tree = _tree(module)
    return None if tree is None else _described(tree)


def _described(node: object) -> str:
    """A syntax tree as text that is the same in every version of Python."""
    if isinstance(node, list):
        return "[" + ",".join(_described(each) for each in node if not _silent(each)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    # Leave out empty fields, because later versions of Python add some.
    fields = [
        f"{name}={_described(value)}"
        for name, value in ast.iter_fields(node)
        if isinstance(node, ast.Constant) or value not in (None, [])
    ]
    return f"{type(node).__name__}({','.join(fields)})"


def _silent(statement: object) -> bool:
    """Whether a statement computes nothing: an import, or a string on its own."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
