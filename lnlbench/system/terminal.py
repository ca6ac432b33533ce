"""Standard output and error that never end a command before its work is done.

Control characters in foreign text are escaped, characters that the encoding lacks are replaced, and
a failed write, such as on a full disk, is reported when the command ends.
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

# Replacements for characters that the terminal's encoding lacks; other characters are escaped.
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
    """A text stream that keeps a failure to write for later instead of raising it."""

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
        """Write the text that waits in the stream."""
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
        # Text that could not be written stays in the stream's buffer, and Python retries it.
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
    """The same, but it escapes control characters; rich writes its own to the stream below."""

    def __init__(self, output: _Output) -> None:
        super().__init__(cast(TextIO, output))
        self.rich_proxied_file = output

    def write(self, text: str) -> int:
        """Write the text with control characters escaped."""
        self.stream.write(printable_lines(text))
        return len(text)


@contextmanager
def safe_streams() -> Iterator[_Output]:
    """Replace standard output and error while the block runs; yields standard output.

    Its `failure` says why a write failed, for example because the reading program has ended.
    """
    out, err = (_Output(_opened(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(_Escaped(out)), redirect_stderr(_Escaped(err)):
        yield out
        out.flush()
        err.flush()


def _opened(stream: TextIO | None) -> TextIO:
    if stream is None:  # the stream was closed before the command began
        return cast(TextIO, _Closed())
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_HANDLER)
    return stream


class _Closed(io.TextIOBase):
    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
