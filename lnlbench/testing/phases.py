"""Which lines of a method's own code have run in the checks, and which lines have not."""

import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from lnlbench.interface.method import LossMethod, Method
from lnlbench.testing.report import Finding

_SHOWN = 10
_NEAR = 0.85  # begin_epochs is as near as 0.96 to begin_epoch, and losses 0.8 to loss


class Reached:
    """The lines of a method that have run while `watching`.

    They are the lines of the method's class and its base classes, and of the functions and classes
    that these use, so other methods in the same file do not count. Modules outside the method's
    own package do not count either, nor does a function that a subclass replaced without super().
    Attributes: `blocked` says that another tool, such as a debugger, already traced the process;
    the watch then leaves it alone and sees no line.
    """

    def __init__(self, method: type[Method]) -> None:
        self.method = method
        self.file = getattr(sys.modules.get(method.__module__), "__file__", None)
        self.codes = {id(code): code for code in _own_code(method)}
        self.ran: dict[int, set[int]] = {key: set() for key in self.codes}
        self.blocked = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the lines that run; all other code runs untraced."""
        if sys.gettrace() is not None:
            self.blocked = True
            yield
            return
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        ran = self.ran.get(id(frame.f_code))
        if ran is None:
            return None
        ran.add(frame.f_lineno)

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            ran.add(frame.f_lineno)
            return line

        return line

    def lines(self) -> tuple[int, list[str]]:
        """How many lines ran, and for each function those that did not, such as "fit 44-46"."""
        count, missed = 0, []
        for key, code in sorted(self.codes.items(), key=lambda item: self._place(item[1])):
            lines = _lines(code)
            left = lines - self.ran[key]
            count += len(lines) - len(left)
            if left:
                name = code.co_qualname.replace("<locals>.", "")
                elsewhere, file, _ = self._place(code)
                of = f" of {Path(file).name}" if elsewhere else ""
                missed.append(f"{name} {_ranges(sorted(left), sorted(lines))}{of}")
        return count, missed

    def never_ran(self) -> list[str]:
        """The names of the functions of the method's class, and of its bases, that never ran."""
        functions = {
            name: function
            for base in reversed(self.method.__mro__)
            for name, value in vars(base).items()
            for function in _functions(value)
            if isinstance(function, FunctionType)
        }
        codes = {name: id(function.__code__) for name, function in functions.items()}
        return [name for name, code in codes.items() if self.ran.get(code) == set()]

    def _place(self, code: CodeType) -> tuple[bool, str, int]:
        """Sorts the method's own file first."""
        return code.co_filename != self.file, code.co_filename, code.co_firstlineno


def check_phases(reached: Reached) -> Finding:
    """Every line of the method ran in some check.

    Some lines need not run, such as those for rare data. So this check fails only if a function
    that never ran has nearly the name of one that lnlbench calls.
    """
    if reached.blocked:
        found = "Another tool traces this process, so the check cannot see which lines run."
        return Finding("phases", "skipped", found)
    count, missed = reached.lines()
    if not missed:
        return Finding("phases", "passed", f"All {count} lines of its own code ran.")
    misspelt = _misspelt(reached)
    if misspelt:
        return Finding("phases", "failed", " ".join(misspelt), "Rename it, or delete it.")
    more = f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else ""
    return Finding(
        "phases",
        "skipped",
        f"{count} lines of its own code ran. These did not run, so no check covers them: "
        f"{'; '.join(missed[:_SHOWN])}{more}. Declare quick_params that reach them, or give "
        "parameters with --set.",
    )


def _misspelt(reached: Reached) -> list[str]:
    """A sentence for each function that never ran and was probably meant as a hook of a method."""
    base = LossMethod if issubclass(reached.method, LossMethod) else Method
    called = [name for name in dir(base) if isinstance(getattr(base, name), FunctionType)]
    found = []
    for name in reached.never_ran():
        near = [] if name in called else get_close_matches(name, called, n=1, cutoff=_NEAR)
        if near:
            found.append(f"{name} never ran: lnlbench calls {near[0]}, and has no {name}.")
        elif name not in called and isinstance(vars(LossMethod).get(name), FunctionType):
            found.append(f"{name} never ran: lnlbench calls it only for a LossMethod.")
    return found


def _own_code(method: type[Method]) -> Iterator[CodeType]:
    """The code of a method's class, and of what it uses in the package of its module."""
    package = _package(method.__module__)
    waiting: list[object] = [method]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if not isinstance(found, (type, FunctionType)) or id(found) in seen:
            continue
        seen.add(id(found))
        if _package(found.__module__) != package:
            continue
        if isinstance(found, type):
            waiting += [each for value in _attributes(found) for each in _functions(value)]
            continue
        for code in _nested(found.__code__):
            # Generated code, such as the __init__ of a dataclass, has no file.
            if code.co_filename != "<string>":
                yield code
            waiting += _used(code, found.__globals__)


def _package(module: str) -> str:
    """The package that holds a module; a module outside packages is its own."""
    return module.rpartition(".")[0] or module


def _attributes(owner: type) -> Iterator[object]:
    """The values of a class's attributes, and inherited ones that can be reached from it."""
    replaced: set[str] = set()
    for each in owner.__mro__:
        for name, value in vars(each).items():
            if name not in replaced:
                yield value
                if not any(_calls_super(found) for found in _functions(value)):
                    replaced.add(name)


def _calls_super(function: object) -> bool:
    return isinstance(function, FunctionType) and "super" in function.__code__.co_names


def _used(code: CodeType, names: dict[str, Any]) -> Iterator[object]:
    """What the code may mean by the names in it, also as attributes of the modules it names."""
    named = [names[name] for name in code.co_names if name in names]
    for value in named:
        yield _plain(value)
        if isinstance(value, ModuleType):
            inside = vars(value)
            yield from (_plain(inside[name]) for name in code.co_names if name in inside)


def _functions(value: object) -> list[object]:
    """The functions behind an attribute of a class."""
    if isinstance(value, property):
        return [_plain(each) for each in (value.fget, value.fset) if each is not None]
    if isinstance(value, cached_property):
        return [_plain(value.func)]
    return [_plain(value)]


def _plain(value: Any) -> object:
    """What a decorator has wrapped, or the value itself."""
    # Some modules answer for every name.
    if isinstance(value, ModuleType) or not hasattr(value, "__wrapped__"):
        return value
    return inspect.unwrap(value)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _lines(code: CodeType) -> set[int]:
    # The first line is the definition, which runs with every call.
    found = {line for _, _, line in code.co_lines() if line is not None}
    return found - {code.co_firstlineno} or {code.co_firstlineno}


def _ranges(lines: list[int], every: Iterable[int]) -> str:
    """Line numbers as ranges; lines without code, such as blank ones, do not end a range."""
    place = {line: i for i, line in enumerate(every)}
    runs = groupby(enumerate(lines), lambda pair: place[pair[1]] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(group) for _, group in runs)]
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ends)
