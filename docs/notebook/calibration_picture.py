"""Draw the calibration of audits whose truth is known, from their summaries.

python docs/notebook/calibration_picture.py leaderboards/audits/cifar100n-embedding/*seed0.json \
    --output docs/guide/audit-calibration.svg

The picture has a line for each summary.json that `lnlbench audit` wrote for a table with the column
`clean_label`, and a point for each tenth of the suspicion.
"""

import argparse
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json, read_text

WIDTH, HEIGHT = 460, 400
LEFT, TOP, SIDE = 64, 14, 320
COLORS = ("one", "two", "three")
HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" \
height="{HEIGHT}" role="img" aria-label="Share of labels that are truly wrong by suspicion">
<style>
svg {{ background: #fcfcfa; }}
text {{ font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1d2126; }}
.e {{ text-anchor: end; }} .m {{ text-anchor: middle; }}
path {{ fill: none; }}
.grid {{ stroke: #d5d5cd; }} .ideal {{ stroke: #5b626b; stroke-dasharray: 4 4; }}
.one {{ stroke: #0b62b5; fill: #0b62b5; }} .two {{ stroke: #b5480b; fill: #b5480b; }}
.three {{ stroke: #2c7a3f; fill: #2c7a3f; }}
path.line {{ fill: none; stroke-width: 2; }} text.one, text.two, text.three {{ stroke: none; }}
@media (prefers-color-scheme: dark) {{
svg {{ background: #16191d; }} text {{ fill: #e6e6e0; }}
.grid {{ stroke: #3a4048; }} .ideal {{ stroke: #a9b0b8; }}
.one {{ stroke: #6db3ff; fill: #6db3ff; }} .two {{ stroke: #ff9d5c; fill: #ff9d5c; }}
.three {{ stroke: #74d08b; fill: #74d08b; }}
}}
</style>
"""


def picture(files: Sequence[Path]) -> str:
    """The picture of these summaries, as SVG."""
    lines = [_line(file, number) for number, file in enumerate(files)]
    return HEAD + "\n".join([*_axes(), *lines]) + "\n</svg>\n"


def _axes() -> Iterator[str]:
    for tenth in range(0, 11, 2):
        x, y = _place(tenth / 10, tenth / 10)
        yield f'<path class="grid" d="M{LEFT} {y}h{SIDE}M{x} {TOP}v{SIDE}"/>'
        yield f'<text class="e" x="{LEFT - 8}" y="{y + 4}">{tenth / 10}</text>'
        yield f'<text class="m" x="{x}" y="{TOP + SIDE + 18}">{tenth / 10}</text>'
    yield f'<path class="ideal" d="M{LEFT} {TOP + SIDE}l{SIDE} {-SIDE}"/>'
    middle = TOP + SIDE / 2
    yield f'<text class="m" x="{LEFT + SIDE / 2}" y="{TOP + SIDE + 38}">mean suspicion</text>'
    yield (
        f'<text class="m" transform="translate(16 {middle}) rotate(-90)">share truly wrong</text>'
    )
    x, y = _place(0.3, 0.22)
    yield f'<text x="{x}" y="{y}">as stated</text>'


def _line(file: Path, number: int) -> str:
    document = parse_json(read_text(file))
    tenths = document["detection"]["calibration"]
    places = [_place(each["mean_suspicion"], each["share_wrong"]) for each in tenths]
    name = " + ".join(judge["method"] for judge in document["about"]["judges"])
    color = COLORS[number]
    joined = "L".join(f"{x} {y}" for x, y in places)
    points = "".join(f'<circle class="{color}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in places)
    label = (
        f'<text class="{color}" x="{LEFT + 12}" y="{TOP + 20 + 18 * number}">{escape(name)}</text>'
    )
    return f'<path class="line {color}" d="M{joined}"/>{points}{label}'


def _place(suspicion: float, wrong: float) -> tuple[float, float]:
    return round(LEFT + SIDE * suspicion, 1), round(TOP + SIDE * (1 - wrong), 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summaries", type=Path, nargs="+", help=f"at most {len(COLORS)}")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    if len(given.summaries) > len(COLORS):
        parser.error(f"the picture has colors for {len(COLORS)} summaries")
    write_atomically(given.output, picture(given.summaries).encode())


if __name__ == "__main__":
    main()
