"""Foreign text made fit for a terminal."""

import re

_UNPRINTABLE = re.compile(r"[^ -~\n]")


def printable(text: object) -> str:
    """Foreign text on one line, with control, bidirectional and undecodable characters escaped."""
    return printable_lines(" ".join(str(text).split()))


def printable_lines(text: str) -> str:
    """Foreign text in its lines, tabs kept, the same characters escaped."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    before_end = character == "\r" and found.string[found.end() : found.end() + 1] == "\n"
    if character.isprintable() or character == "\t" or before_end:
        return character
    return ascii(character)[1:-1]
