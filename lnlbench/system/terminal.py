"""Standard output and error that end no command before its work is done.

Nothing foreign commands the terminal, signs that the encoding lacks are replaced, and a full disk
is told at the end.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from lnlbench.system.text import printable_lines

# What stands for a sign where the encoding of the terminal lacks it; other signs are escaped.
_PLAIN = {
    "·": "-", "•": "*", "–": "-", "—": "-", "−": "-", "─": "-", "━": "-", "×": "x", "±": "+/-",
    "…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "✓": "yes",
    "‘": "'", "’": "'", "“": '"', "”": '"', "\N{NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ",
}  # fmt: skip
_HANDLER = "lnlbench.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign) or ascii(sign)[1:-1] for sign in signs), error.end


codecs.register_error(_HANDLER, _plain)


class _Output:
    """A text stream whose failure to write is kept for later in place of being raised."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, unless an earlier one could not be written."""
        with self._failing():
            self.stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write these texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what waits in the stream."""
        with self._failing():
            self.stream.flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = self.failure or error
            self._discard()

    def _discard(self) -> None:
        # What could not be written stays in the stream's buffer, and Python tries it again.
        with suppress(OSError, ValueError, io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        # Typer would write to the buffer itself where the encoding is ASCII.
        if name in ("buffer", "stream"):
            raise AttributeError(name)
        return getattr(self.stream, name)


class _Escaped(_Output):
    """The same for text, which commands no terminal; rich writes its own commands beside it."""

    def __init__(self, output: _Output) -> None:
        super().__init__(cast(TextIO, output))
        self.rich_proxied_file = output

    def write(self, text: str) -> int:
        """Write the text with control characters escaped."""
        self.stream.write(printable_lines(text))
        return len(text)


@contextmanager
def safe_streams() -> Iterator[_Output]:
    """Replace standard output and error for as long as the block runs; gives standard output.

    Its `failure` says why it could not be written; a reader that went away is such a failure.
    """
    out, err = (_Output(_opened(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(_Escaped(out)), redirect_stderr(_Escaped(err)):
        yield out
        out.flush()
        err.flush()


def _opened(stream: TextIO | None) -> TextIO:
    if stream is None:  # it was closed before the command began
        return cast(TextIO, _Closed())
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_HANDLER)
    return stream


class _Closed(io.TextIOBase):
    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
