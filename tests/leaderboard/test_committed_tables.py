"""What the repository says was measured is what its result files hold."""

import re
from pathlib import Path
from xml.etree import ElementTree

from lnlbench.leaderboard import text
from lnlbench.leaderboard.check import conflicts, stale_files
from lnlbench.leaderboard.contradictions import contradictions
from lnlbench.leaderboard.table import build_tables
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.results.audits import load_audits
from lnlbench.spec.run_spec import RunSpec, deviations

ROOT = Path(__file__).parents[2]
STORE = ResultStore(ROOT / "leaderboards")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_result_is_valid_and_every_table_equals_its_results():
    results, bad = STORE.load_all()
    assert results
    assert bad == []
    problems = conflicts(STORE, results) + contradictions(STORE, results)
    assert problems + stale_files(STORE, results, True, load_audits(STORE.root)) == []


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


def test_the_readme_shows_a_picture_that_the_tables_keep_up_to_date():
    [picture] = re.findall(r"^!\[.+\]\(leaderboards/(\S+)\)$", README, flags=re.MULTILINE)
    (table,) = build_tables(STORE.load_all("cifar100n-embedding")[0])
    shown = "".join(ElementTree.parse(STORE.folder.parent / picture).getroot().itertext())
    best = max(row.accuracy.mean for row in table.rows if row.rank and row.accuracy)
    assert text.percent(best) in shown
