"""Rich's console, which drops the control characters that foreign text may contain."""

from collections.abc import Iterable
from typing import IO

from rich.console import Console as _Console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from lnlbench.system.text import printable_lines


class Console(_Console):
    """Prints foreign names, paths and messages as text; the terminal obeys no command in them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of an object to show; only rich's own may have control characters."""
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control or text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(text), segment.style)

    @property
    def file(self) -> IO[str]:
        """Where rich writes: the plain stream below the one that escapes control characters."""
        stream = super().file
        # A live display puts a stream of its own above them.
        return getattr(stream, "rich_proxied_file", stream)

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file
