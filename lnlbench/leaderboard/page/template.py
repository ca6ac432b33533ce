"""Fill in the page's templates; a page holds its styles and scripts, and a policy for them."""

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import RULE
from lnlbench.leaderboard.columns.published import (
    PUBLISHED,
    SOURCE,
    cited_figures,
    numbered_sources,
)
from lnlbench.leaderboard.columns.rows import METHOD, NOTE, SPREAD
from lnlbench.leaderboard.noises import RULE as NOISE_RULE
from lnlbench.leaderboard.page.spread import ranks_drawn, spread_of
from lnlbench.results.statistics import MIN_COMMON_SEEDS

if TYPE_CHECKING:
    from jinja2 import Environment

_SCRIPTS = ("uPlot.iife.min.js", "table.js", "charts.js", "pictures.js", "details.js", "start.js")
_STYLES = ("uPlot.min.css", "page.css")


def embedded(value: Any) -> str:
    """JSON that is safe inside a script element: no "<", ">", "&", or line separator."""
    document = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        document = document.replace(character, f"\\u{ord(character):04x}")
    return document


def render_template(name: str, images: bool = False, **values: Any) -> str:
    """A page made of a template, with its styles and scripts in it and a policy for both.

    `images` allows pictures that are in the page itself.
    """
    scripts, styles = _joined(_SCRIPTS, "\n;\n"), _joined(_STYLES, "\n")
    return (
        _environment()
        .get_template(name)
        .render(
            scripts=scripts,
            styles=styles,
            script_hash=_sha256(scripts),
            style_hash=_sha256(styles),
            license=_asset("uPlot.LICENSE"),
            images=images,
            **values,
        )
    )


def fill_in(name: str, **values: Any) -> str:
    """A template filled in with these values, which are escaped."""
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = text.plain
    environment.filters["percent"] = text.percent
    environment.globals.update(
        noise_rule=NOISE_RULE,
        min_common_seeds=MIN_COMMON_SEEDS,
        method_column=METHOD,
        spread_column=SPREAD,
        spread_of=spread_of,
        ranks_drawn=ranks_drawn,
        across_rule=RULE,
        note_column=NOTE,
        published_columns=PUBLISHED,
        source_column=SOURCE,
        cited_figures=cited_figures,
        numbered_sources=numbered_sources,
    )
    return environment


@cache
def _asset(name: str) -> str:
    return files("lnlbench.leaderboard.page").joinpath(name).read_text(encoding="utf-8")


def _joined(names: Iterable[str], separator: str) -> str:
    return separator.join(_asset(name) for name in names)


def _sha256(text_: str) -> str:
    # A browser hashes the text between the tags for the content security policy.
    return "sha256-" + base64.b64encode(hashlib.sha256(text_.encode()).digest()).decode()
