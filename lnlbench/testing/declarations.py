"""Check a method's declarations without running it."""

import re
from typing import Any

from pydantic import ValidationError

from lnlbench.errors import UsageError
from lnlbench.interface.method import Method
from lnlbench.interface.params import SearchRange, search_ranges, validate_params
from lnlbench.plugins.checks import check_interface
from lnlbench.plugins.refusal import PluginRefused
from lnlbench.testing.report import Finding

# Absurd values: every number parameter has to refuse one of them.
_ABSURD = (-(10**18), 10**18)


def check_metadata(method: type[Method]) -> Finding:
    """Name, reference with a year, docstring, and everything that loading a plugin requires."""
    try:
        check_interface(method)
    except PluginRefused as refusal:
        return Finding("metadata", "failed", str(refusal), "Correct it: it is refused at loading.")
    missing = []
    if not re.search(r"\b(19|20)\d\d\b", method.reference):
        missing.append("reference names no year")
    if "__doc__" not in vars(method) or not (method.__doc__ or "").strip():
        missing.append("the class has no docstring")
    if missing:
        return Finding(
            "metadata",
            "failed",
            f"{method.name}: {' and '.join(missing)}.",
            "The reference is authors, venue, year and URL of the paper; the docstring's first "
            "paragraph is what `lnlbench methods show` prints.",
        )
    return Finding("metadata", "passed", f"{method.name}: {method.reference}")


def check_parameters(method: type[Method]) -> Finding:
    """Every parameter has a description, and refuses absurd numbers."""
    defaults = vars(method.Params())
    undescribed = [
        key
        for key, each in method.Params.model_fields.items()
        if not (each.description or "").strip()
    ]
    unreachable = [
        key for key, span in search_ranges(method.Params).items() if _refuses(method, key, span)
    ]
    unbounded = [key for key in defaults if _accepts_anything(method.Params, defaults, key)]
    problems = []
    if undescribed:
        problems.append(f"without a description: {', '.join(undescribed)}")
    if unbounded:
        problems.append(f"without bounds: {', '.join(unbounded)}")
    if unreachable:
        problems.append(f"with a search range that their bounds refuse: {', '.join(unreachable)}")
    if problems:
        return Finding(
            "parameters",
            "failed",
            f"{'; '.join(problems)}.".capitalize(),
            'Write each as `name: float = Field(0.7, gt=0, le=1, description="What it is.")`.',
        )
    names = ", ".join(defaults) or "it has none"
    return Finding("parameters", "passed", f"All described and bounded: {names}")


def _refuses(method: type[Method], key: str, span: SearchRange) -> bool:
    """Whether a parameter refuses an end of its search range."""
    try:
        for end in (span.low, span.high):
            validate_params(method.name, method.Params, {key: end})
    except UsageError:
        return True
    return False


def _accepts_anything(params: Any, defaults: dict[str, Any], key: str) -> bool:
    """Whether a parameter accepts both absurd numbers; texts, switches and choices never do."""
    for value in _ABSURD:
        try:
            params.model_validate({**defaults, key: value})
        except ValidationError:
            return False
    return True
