"""Write audit.html: one file with everything in it, which asks for nothing else."""

import base64
import hashlib
import io
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.audit.files import suspect_rows
from lnlbench.audit.findings import Audit, summary
from lnlbench.leaderboard.page.template import embedded
from lnlbench.system.atomic import write_atomically

if TYPE_CHECKING:
    import numpy
    from jinja2 import Environment

# Of so many suspects at most, the worst, the page has pictures: about 8 KB each with its examples.
MOST_PICTURED = 5000
_PIXELS = 96
_QUALITY = 82
_BLOCK = 250


def write_page(audit: Audit, folder: Path) -> None:
    """Write audit.html into a folder.

    Raises:
        UsageError: the folder cannot be written.
    """
    # A path may hold bytes that are not UTF-8.
    write_atomically(folder / "audit.html", page(audit).encode(errors="replace"))


def page(audit: Audit) -> str:
    """The page's HTML."""
    script, style = _asset("audit.js"), _asset("audit.css")
    found = summary(audit)
    return (
        _environment()
        .get_template("audit.html.j2")
        .render(
            script=script,
            style=style,
            script_hash=_sha256(script),
            style_hash=_sha256(style),
            summary=found,
            judges=", ".join(judge["method"] for judge in audit.about["judges"]),
            most_pictured=MOST_PICTURED,
            data=embedded(_data(audit)),
        )
    )


def _data(audit: Audit) -> dict[str, Any]:
    suspects = audit.suspects.tolist()
    rows = [list(row) for row in suspect_rows(audit)]
    pictured: dict[int, int] = {}
    shown = []
    near = zip(audit.nearest_suggested.tolist(), audit.nearest_given.tolist(), strict=True)
    for number, (suspect, examples) in enumerate(zip(suspects, near, strict=True)):
        wanted = (suspect, *examples) if number < MOST_PICTURED else ()
        places = [-1 if row < 0 else pictured.setdefault(row, len(pictured)) for row in wanted]
        shown.append(places or [-1, -1, -1])
    has_pictures = audit.samples.picture is not None
    identity = hashlib.sha256(repr((audit.samples.paths, rows)).encode(errors="replace"))
    return {
        "audit": identity.hexdigest()[:16],
        "rows": rows,
        "pictures": shown if has_pictures else [[-1, -1, -1]] * len(rows),
        "images": _images(audit, list(pictured)) if has_pictures else [],
    }


def _images(audit: Audit, rows: list[int]) -> list[str]:
    picture = audit.samples.picture
    assert picture is not None
    found = []
    for start in range(0, len(rows), _BLOCK):
        found += [_jpeg(pixels) for pixels in picture(rows[start : start + _BLOCK])]
    return found


def _jpeg(pixels: "numpy.ndarray") -> str:
    """An image uint8 [C, H, W] as a small JPEG, in base64."""
    from PIL import Image

    # Of other channels than gray or red, green and blue, the first is shown.
    image = Image.fromarray(pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0])
    image.thumbnail((_PIXELS, _PIXELS))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _asset(name: str) -> str:
    return files("lnlbench.audit.page").joinpath(name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    # As a browser takes it for the content security policy: of the text between the tags.
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
