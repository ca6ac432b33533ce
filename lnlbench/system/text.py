"""Text for people: foreign text made fit for a terminal, and durations."""

import re

LONGEST = 5000

_UNPRINTABLE = re.compile(r"[^ -~\n]")


def printable(text: object) -> str:
    """Foreign text on one line, with control, bidirectional and undecodable characters escaped."""
    return printable_lines(" ".join(str(text).split()))


def printable_lines(text: str) -> str:
    """Foreign text with its lines and tabs kept, and the same characters escaped."""
    return _UNPRINTABLE.sub(_escaped, text)


def shortened(text: str) -> str:
    """The text, or its beginning where a message quotes something without end."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the error's type if it has no message."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    before_end = character == "\r" and found.string[found.end() : found.end() + 1] == "\n"
    if character.isprintable() or character == "\t" or before_end:
        return character
    return ascii(character)[1:-1]


def duration(seconds: float) -> str:
    """Seconds in the largest unit that leaves at least two of it: 4.2 s, 3.1 min, 2.5 h."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
