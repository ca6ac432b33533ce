"""The terminal's tables as an SVG image, for a README."""

import io
import re
from collections.abc import Sequence

from lnlbench.leaderboard.render.terminal import WIDTH, show_all
from lnlbench.results.schema import Result
from lnlbench.system.console import Console


def picture(results: Sequence[Result]) -> str:
    """All tables as one SVG image, as wide as they are on a terminal."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    show_all(results, console)
    svg = console.export_svg(title="lnlbench leaderboard")
    # Leaves out the web fonts that rich names, because a picture must make no request.
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
