"""Rich's console, without the control characters that foreign text may bring along."""

from collections.abc import Iterable
from typing import IO

from rich.console import Console as _Console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from lnlbench.system.text import printable_lines


class Console(_Console):
    """Prints names, paths and messages of foreign origin as they are read, not as commands."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of what is shown; only rich's own have control characters."""
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control or text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(text), segment.style)

    @property
    def file(self) -> IO[str]:
        """Where rich writes: what lies below the streams that escape control characters."""
        stream = super().file
        # A live display puts a stream of its own above them.
        return getattr(stream, "rich_proxied_file", stream)

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file
