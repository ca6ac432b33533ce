"""The classes of data, from their labels: their order, and lines that tell a user about them."""

import unicodedata
from collections.abc import Iterable, Sequence

_SHOWN = 20


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: numbers by their value, other names by the alphabet."""
    names = set(labels)
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def class_lines(classes: Sequence[str], counts: Iterable[int]) -> list[str]:
    """One line that names the classes with their numbers of samples, and one for `alike` names."""
    pairs = [f"{name} ({count:,})" for name, count in zip(classes, counts, strict=True)]
    more = [f"and {len(pairs) - _SHOWN:,} more"] if len(pairs) > _SHOWN else []
    lines = [f"{len(pairs):,} classes: {', '.join([*pairs[:_SHOWN], *more])}"]
    groups = alike(classes)
    if groups:
        shown = "; ".join(" and ".join(map(_quoted, group)) for group in groups[:_SHOWN])
        lines.append(
            f"Classes whose names differ only by case, blanks or Unicode form: {shown}. If they "
            "are one class, give them one name."
        )
    return lines


def alike(names: Iterable[str]) -> list[list[str]]:
    """The groups of names that differ only by case, blanks or Unicode form, in order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        plain = unicodedata.normalize("NFC", " ".join(name.split())).casefold()
        groups.setdefault(plain, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _quoted(name: str) -> str:
    """The name in quotes; forms of a letter that look the same are written as their codes."""
    return repr(name) if name == unicodedata.normalize("NFC", name) else ascii(name)
