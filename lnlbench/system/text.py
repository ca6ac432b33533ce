"""Foreign text made fit for a terminal."""


def printable(text: object) -> str:
    """Foreign text on one line, with control, bidirectional and undecodable characters escaped."""
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
