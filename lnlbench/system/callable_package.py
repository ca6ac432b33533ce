"""Packages that can be called: `lnlbench.methods()` lists what `lnlbench.methods` holds."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package whose call is passed on to a function of another module."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function; its module is imported now, because it imports this package."""
        home, name = vars(self)["__called__"]
        return getattr(import_module(home), name)(*arguments, **named)


def make_callable(package: str, home: str, function: str) -> None:
    """Let calls of an imported package go to a function, which people look for by that name."""
    module = sys.modules[package]
    vars(module)["__called__"] = (home, function)
    module.__class__ = _CallablePackage
