"""Fill the tables of docs/findings.md from the committed results: python docs/findings.py.

The page has a block for each table. The program fills the blocks and leaves the sentences alone.
"""

import argparse
import re
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import fmean

from scipy import stats

from lnlbench.leaderboard import text
from lnlbench.leaderboard.noises import noise_matrices
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table, build_tables
from lnlbench.noise.spec import HUMAN
from lnlbench.results import ResultStore
from lnlbench.results.statistics import compare_with_best
from lnlbench.system.atomic import write_atomically

LEADERBOARDS = Path(__file__).resolve().parents[1] / "leaderboards"
PAGE = Path(__file__).with_suffix(".md")
BEST = "test_accuracy_best"
FEWEST = 5  # rows below which no order is compared
EXPLAINED = ("digits", "cifar100n-embedding", "cifar100n-embedding-coarse")
ESTIMATES = ("forget_rate", "estimated_noise_rate")  # curves of methods that estimate the noise
_BLOCK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- /figures -->)", re.DOTALL)
Tables = dict[str, Table]


def against_ce(tables: Tables) -> str:
    """For each noise: how many ranked rows are above plain cross-entropy, and which is best."""
    lines = []
    for table in _noises(tables):
        ce, bound = _accuracy(table, "ce"), _accuracy(table, "ce-selected")
        rows = {name: row for name, row in _ranked(table).items() if name != "ce"}
        tests = compare_with_best(
            _ranked(table)["ce"].by_seed, [row.by_seed for row in rows.values()]
        )
        above = [_accuracy(table, name) > ce for name in rows]
        sure = [up for up, test in zip(above, tests, strict=True) if (test.p_value or 1) < 0.05]
        best = max(_ranked(table), key=lambda name: _accuracy(table, name))
        highest = _accuracy(table, best)
        tested = any(test.p_value is not None for test in tests)
        lines.append(
            [table.track, _seeds(table), *map(text.percent, (ce, bound)), f"`{best}`"]
            + [text.percent(highest), f"{100 * (highest - ce) / (bound - ce):.0f} %"]
            + [f"{sum(above)} of {len(rows)}"]
            + ([str(sum(sure)), str(len(sure) - sum(sure))] if tested else ["–", "–"])
        )
    head = "track|seeds|`ce`|`ce-selected`|best ranked row|its accuracy|of the gap|above `ce`"
    return _markdown(f"{head}|significantly above|significantly below", lines)


def orders(tables: Tables) -> str:
    """Spearman's rank correlation of a track with human labels and any other, over common rows."""
    shown = [*_noises(tables), *(tables[name] for name in ("digits",) if name in tables)]
    lines = []
    for one, other in combinations(shown, 2):
        if one.protocol["noise"] not in HUMAN:
            continue
        common = sorted(_ranked(one).keys() & _ranked(other).keys())
        if len(common) >= FEWEST:
            scores = [[_accuracy(table, name) for name in common] for table in (one, other)]
            rho = stats.spearmanr(*scores).statistic
            lines.append([one.track, other.track, len(common), f"{rho:.2f}"])
    return _markdown("one track|other track|common rows|Spearman's ρ", lines)


def reporting_rule(tables: Tables) -> str:
    """What the best test epoch hides: the loss to the end, and pairs whose order it turns."""
    lines = []
    for table in tables.values():
        ends = {name: _accuracy(table, name) for name in _ranked(table)}
        bests = {name: row.scores[BEST] or 0.0 for name, row in _ranked(table).items()}
        lost = {name: bests[name] - ends[name] for name in ends}
        most = max(lost, key=lost.__getitem__)
        pairs = [*combinations(ends, 2)]
        turned = sum((ends[a] - ends[b]) * (bests[a] - bests[b]) < 0 for a, b in pairs)
        if len(ends) >= FEWEST:
            losses = _points(lost["ce"]), f"`{most}`", _points(lost[most])
            lines.append([table.track, *losses, f"{turned} of {len(pairs)}"])
    head = "track|difference of `ce`|row with the largest difference|its difference|changed pairs"
    return _markdown(head, lines)


def explanations(tables: Tables) -> str:
    """What goes with accuracy over the ranked rows of a track, by rank correlation."""
    facts: dict[str, Callable[[Row], float | None]] = {
        "AUROC of the clean probability": lambda row: row.scores["clean_auroc"],
        "memorization": lambda row: row.scores["memorization"],
        "processor time": lambda row: row.cost("processor_seconds"),
    }
    lines = []
    for table in tables.values():
        cells = []
        for fact in facts.values():
            pairs = [(fact(row), _accuracy(table, name)) for name, row in _ranked(table).items()]
            known = [pair for pair in pairs if pair[0] is not None]
            enough = len(known) >= FEWEST
            rho = stats.spearmanr(*zip(*known, strict=True)).statistic if enough else None
            cells.append("–" if rho is None else f"{rho:+.2f} ({len(known)} rows)")
        if set(cells) != {"–"}:
            lines.append([table.track, *cells])
    return _markdown("|".join(["track", *facts]), lines)


def left_out_noise(tables: Tables) -> str:
    """For each noise: the row of best mean rank on all other noises, and what it costs here."""
    noises = _noises(tables)
    common = sorted(set.intersection(*(set(_ranked(table)) for table in noises)))
    lines = []
    for table in noises:
        others = [other for other in noises if other is not table]

        def mean_rank(name: str, others: Sequence[Table] = others) -> float:
            return fmean(_rank(other, name, common) for other in others)

        chosen, best = min(common, key=mean_rank), max(common, key=lambda n: _accuracy(table, n))
        here, highest = _accuracy(table, chosen), _accuracy(table, best)
        taken = [f"`{chosen}`", text.percent(here), f"`{best}`", text.percent(highest)]
        lines.append([table.track, *taken, _points(highest - here)])
    head = "noise|best mean rank on the other noises|its accuracy here|best row here|its accuracy"
    return _markdown(f"{head}|points lost", lines)


def beside_frozen(tables: Tables, track: str) -> str:
    """The rows of a track that trains more than a head, beside those with the network frozen."""
    frozen, trained = tables["cifar100n-embedding"], tables[track]
    lines = []
    for name, row in _rows(trained).items():
        each = [_rows(frozen).get(name), row]
        accuracies = [at.accuracy.mean if at and at.accuracy else None for at in each]
        memorized = [at.scores["memorization"] if at else None for at in each]
        cells = map(text.percent, [*accuracies, *memorized])
        lines.append([f"`{name}`", text.seeds(sorted(row.by_seed)), *cells])
    return _markdown("row|seeds|frozen|trained|memorized, frozen|memorized, trained", lines)


def surprises(tables: Tables) -> str:
    """Rows at most one point above plain cross-entropy: what they memorize, what they forget."""
    lines = []
    for table in (tables[name] for name in EXPLAINED):
        for name, row in _rows(table).items():
            above = _accuracy(table, name) - _accuracy(table, "ce")
            if above <= 0.01:
                scores = _accuracy(table, name), row.scores[BEST], row.scores["memorization"]
                cells = [f"{100 * above:+.2f}", *map(text.percent, scores)]
                lines.append([table.track, f"`{name}`", *cells, f"{_forgotten(row):.1f}"])
    return _markdown("track|row|against `ce`|accuracy|best epoch|memorized|forgotten", lines)


def estimated_rates(tables: Tables) -> str:
    """The share of wrong labels that methods found by themselves, at the end of their runs."""
    lines = []
    for table in (tables[name] for name in EXPLAINED):
        for name, row in _ranked(table).items():
            curves = [run.curves.get(key) for run in row.finished for key in ESTIMATES]
            ends = [[rate for rate in curve if rate is not None][-1] for curve in curves if curve]
            if ends:
                rates = text.percent(fmean(ends)), text.percent(table.data.noise_rate)
                lines.append([table.track, f"`{name}`", *rates])
    return _markdown("track|row|estimated|wrong in truth", lines)


FIGURES: dict[str, Callable[[Tables], str]] = {
    "against-ce": against_ce,
    "orders": orders,
    "reporting-rule": reporting_rule,
    "explanations": explanations,
    "left-out-noise": left_out_noise,
    "last-stage": partial(beside_frozen, track="cifar100n-pretrained-last"),
    "from-scratch": partial(beside_frozen, track="cifar100n-scratch"),
    "surprises": surprises,
    "estimated-rates": estimated_rates,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the page's blocks, or say with `--check` whether they are what the results give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="Change nothing; exit with 1 if stale."
    )
    check = parser.parse_args(arguments).check
    before = PAGE.read_text(encoding="utf-8")
    results, _ = ResultStore(LEADERBOARDS).load_all()
    tables = {table.track: table for table in build_tables(results)}
    after = _BLOCK.sub(lambda block: block[1] + FIGURES[block[2]](tables) + block[3], before)
    if after == before:
        return 0
    if check:
        sys.stderr.write(f"{PAGE.name} is not what the results give: python docs/findings.py\n")
        return 1
    write_atomically(PAGE, after.encode("utf-8"))
    return 0


def _noises(tables: Tables) -> list[Table]:
    """The tables of the matrix of methods and noises, in its order."""
    matrices = noise_matrices([*tables.values()])
    return [tables[noise.track] for matrix in matrices for noise in matrix.noises]


def _rows(table: Table) -> dict[str, Row]:
    return {text.plain(row.name_and_recipe): row for row in table.rows if row.accuracy}


def _ranked(table: Table) -> dict[str, Row]:
    return {name: row for name, row in _rows(table).items() if row.rank is not None}


def _accuracy(table: Table, name: str) -> float:
    accuracy = _rows(table)[name].accuracy
    return accuracy.mean if accuracy else 0.0


def _rank(table: Table, name: str, among: Collection[str]) -> int:
    """The rank of a row among these rows of the table, counted from 1."""
    return 1 + sum(_accuracy(table, other) > _accuracy(table, name) for other in among)


def _forgotten(row: Row) -> float:
    """How many classes have a test accuracy below 20 % at the end, on average over the runs."""
    seen = [run.diagnostics.classes for run in row.finished if run.diagnostics]
    return fmean(sum((end or 0.0) < 0.2 for end in each.test_accuracy) for each in seen if each)


def _seeds(table: Table) -> str:
    counts = {len(row.by_seed) for row in _ranked(table).values()}
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _markdown(head: str, lines: Sequence[Sequence[object]]) -> str:
    heads = head.split("|")
    rows: list[Sequence[object]] = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
