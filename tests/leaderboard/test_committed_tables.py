"""What the repository says was measured is what its result files hold."""

from pathlib import Path
from xml.etree import ElementTree

from lnlbench.leaderboard.check import conflicts, stale_files
from lnlbench.leaderboard.columns.rows import RANKED
from lnlbench.leaderboard.contradictions import contradictions
from lnlbench.leaderboard.table import build_tables
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.spec.run_spec import RunSpec, deviations

ROOT = Path(__file__).parents[2]
STORE = ResultStore(ROOT / "leaderboards")
PICTURE = ROOT / "docs" / "leaderboard.svg"


def test_every_result_is_valid_and_every_table_equals_its_results():
    results, bad = STORE.load_all()
    assert results
    assert bad == []
    problems = conflicts(STORE, results) + contradictions(STORE, results)
    assert problems + stale_files(STORE, results, complete=True) == []


def test_every_spec_still_parses_and_still_belongs_where_its_result_says():
    plugins = load_plugins(strict=True)
    for result in STORE.load_all()[0]:
        spec = RunSpec.model_validate(result.spec)
        # Those of plugins are looked at where these are installed: .ci/downstream runs this, too.
        if result.method.name not in plugins.methods:
            assert result.method.distribution != "lnlbench"
            continue
        changed = deviations(spec, plugins.method(result.method.name))
        assert changed == (result.off_track.overrides if result.off_track else {}), result.method


def test_the_pictures_figures_are_those_of_the_table_on_human_noise():
    shown = "".join(ElementTree.parse(PICTURE).getroot().itertext()).replace("\xa0", " ")
    (table,) = build_tables(STORE.load_all("cifar100n-embedding")[0])
    assert len(table.rows) >= 3
    for row in table.rows:
        assert RANKED.cell(row) in shown
    assert "docs/leaderboard.svg" in (ROOT / "README.md").read_text()
