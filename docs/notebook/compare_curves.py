"""Curves of our runs beside those of the authors' scripts: a CSV file, a table, and a picture.

python docs/notebook/compare_curves.py --runs parity --output docs/notebook/2026-11-28-parity

Reads `RUNS/authors/` and `RUNS/leaderboards/`, writes `OUTPUT.csv` and `OUTPUT.svg`, and prints the
table. Without `--runs` it reads `OUTPUT.csv` instead. The last three epochs are scored.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from scipy import stats

from lnlbench.api.results import load_results
from lnlbench.system.atomic import write_atomically

SCORED = 3
TOO_WIDE = 5.0  # points; an interval that reaches further from 0 answers nothing
# Co-teaching's authors score each network alone.
ACCURACY = {"co-teaching": "test_accuracy_single"}
METHODS = ("ce", "co-teaching", "elr", "dividemix")
SELECTING = ("co-teaching", "dividemix")
COLORS = {"authors": "#c2601c", "ours": "#1f6fb2"}


def collect(runs: Path) -> pd.DataFrame:
    """Columns method, side, seed, epoch (from 1), curve and value, in percent."""
    rows = []
    for file in sorted((runs / "authors").glob("*.json")):
        method, seed = file.stem.rsplit("-seed", 1)
        found = json.loads(file.read_text(encoding="utf-8"))
        for curve in found.keys() & {"test_accuracy", "label_precision"}:
            values = found[curve]
            first = 11 - len(values)  # nothing is divided before the warm-up ends
            rows += [
                (method, "authors", int(seed), first + i, curve, 100 * value)
                for i, value in enumerate(values)
            ]
    curves = load_results(runs).curves("test_accuracy", "test_accuracy_single", "label_precision")
    for row in curves.dropna().itertuples():
        wanted = {"label_precision"} if row.method in SELECTING else set()
        curve = "label_precision" if row.curve in wanted else ""
        if row.curve == ACCURACY.get(row.method, "test_accuracy"):
            curve = "test_accuracy"
        if curve:
            rows.append((row.method, "ours", row.seed, row.epoch, curve, 100 * row.value))
    columns = ["method", "side", "seed", "epoch", "curve", "value"]
    return pd.DataFrame(rows, columns=columns).sort_values(columns[:5]).round(4)


def scores(curves: pd.DataFrame, method: str, curve: str) -> pd.DataFrame:
    """The mean of the scored epochs: a row for each seed that both sides have, a column a side."""
    chosen = curves[(curves["method"] == method) & (curves["curve"] == curve)]
    late = chosen[chosen["epoch"] > chosen["epoch"].max() - SCORED]
    return late.groupby(["seed", "side"])["value"].mean().unstack("side").dropna()


def compared(pairs: pd.DataFrame) -> str:
    """The cells of a row: both means, the mean difference with its interval, and the verdict."""
    means = f"{pairs['ours'].mean():.2f} | {pairs['authors'].mean():.2f}"
    differences = pairs["ours"] - pairs["authors"]
    each = ", ".join(f"{value:+.2f}" for value in differences)
    if len(pairs) < 2:
        return f"{means} | {each} | {differences.mean():+.2f} | one seed | {len(pairs)}"
    half = stats.t.ppf(0.975, len(pairs) - 1) * differences.sem()
    low, high = differences.mean() - half, differences.mean() + half
    verdict = "within spread"
    if low > 0 or high < 0:
        verdict = "beyond spread"
    elif max(-low, high) > TOO_WIDE:
        verdict = "undecided"
    interval = f"{differences.mean():+.2f} ({low:+.2f} to {high:+.2f})"
    return f"{means} | {each} | {interval} | {verdict} | {len(pairs)}"


def table(curves: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table: a row for each method and score."""
    lines = [
        "| method | score | ours | authors | differences by seed | mean difference, 95 % interval "
        "| verdict | seeds |",
        "|---|---|---:|---:|---|---|---|---:|",
    ]
    for curve, methods in (("test_accuracy", METHODS), ("label_precision", SELECTING)):
        for method in methods:
            pairs = scores(curves, method, curve)
            if len(pairs):
                lines.append(f"| {method} | {curve.replace('_', ' ')} | {compared(pairs)} |")
    return lines


def picture(curves: pd.DataFrame) -> str:
    """An SVG with a panel for each method and score, and a line for each run."""
    panels = [(m, "test_accuracy") for m in METHODS] + [(m, "label_precision") for m in SELECTING]
    width, height, gap = 200, 130, 50
    parts = []
    for number, (method, curve) in enumerate(panels):
        chosen = curves[(curves["method"] == method) & (curves["curve"] == curve)]
        if chosen.empty:
            continue
        low, high = chosen["value"].min() // 5 * 5, -(-chosen["value"].max() // 5) * 5
        left, top = 40 + number % 3 * (width + gap), 30 + number // 3 * (height + gap)
        parts.append(f'<g transform="translate({left} {top})">')
        parts.append(f'<text y="-8">{method}: {curve.replace("_", " ")}, %</text>')
        parts.append(f'<path d="M0 0V{height}H{width}" fill="none" stroke="#888"/>')
        for value, place in ((high, 9), (low, height)):
            parts.append(f'<text x="-4" y="{place}" text-anchor="end">{value:.0f}</text>')
        parts.append(f'<text x="{width}" y="{height + 14}" text-anchor="end">epoch 10</text>')
        for (side, _), run in chosen.groupby(["side", "seed"]):
            points = " ".join(
                f"{(epoch - 1) / 9 * width:.1f},{(high - value) / (high - low) * height:.1f}"
                for epoch, value in zip(run["epoch"], run["value"], strict=True)
            )
            color = COLORS[str(side)]
            parts.append(f'<polyline points="{points}" fill="none" stroke="{color}"/>')
        parts.append("</g>")
    parts.append(f'<text x="40" y="386" fill="{COLORS["ours"]}">blue: ours</text>')
    parts.append(f'<text x="120" y="386" fill="{COLORS["authors"]}">orange: the authors</text>')
    style = "text { font: 11px system-ui, sans-serif; }"
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 396" role="img" '
        'aria-label="Curves of our runs and of the authors\' scripts">'
    )
    ground = '<rect width="760" height="396" fill="#fcfcfa"/>'
    return "\n".join([head, f"<style>{style}</style>", ground, *parts, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the curves and the picture, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    file = given.output.with_suffix(".csv")
    if given.runs is not None:
        text = collect(given.runs).to_csv(index=False, lineterminator="\n")
        write_atomically(file, text.encode())
    curves = pd.read_csv(file)
    write_atomically(given.output.with_suffix(".svg"), picture(curves).encode())
    sys.stdout.write("\n".join(table(curves)) + "\n")


if __name__ == "__main__":
    main()
