"""Published figures are those of their sources, and stand at the methods that they are of."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from registry import BUILTIN

from lnlbench.results.published import published_figures
from lnlbench.results.published_names import NAMES, stands_for
from lnlbench.spec.run_spec import build_spec

ROOT = Path(__file__).parents[2]
HUMAN = ("cifar100", "noisy-fine")
CIFAR10N = [("cifar10", noise) for noise in ("aggre", "random1", "random2", "random3", "worst")]
SYMMETRIC = [("cifar100", f"symmetric:{rate}") for rate in (0.2, 0.5, 0.8, 0.9)]
DATA = [HUMAN, *CIFAR10N, *SYMMETRIC]


@pytest.fixture(scope="module")
def published():
    return published_figures(*HUMAN)


@pytest.mark.parametrize(
    ("data", "source", "method", "rule", "mean", "std"),
    [
        (HUMAN, "cifar-n-table", "ce", "best test epoch", 0.5550, 0.0066),
        (HUMAN, "cifar-n-table", "dividemix", "best test epoch", 0.7113, 0.0048),
        (HUMAN, "noisypy", "ce", "best test epoch", 0.6119, 0.0051),
        (HUMAN, "noisypy-logs", "ce", "last epoch", 0.4918, 0.0048),
        (HUMAN, "noisypy-logs", "dividemix", "mean of last 10", 0.7031, 0.0010),
        (HUMAN, "noisypy-logs", "elr", "mean of last 10", 0.6352, None),
        (HUMAN, "ema", "ema", "best test epoch", 0.6515, 0.0020),
        (("cifar10", "aggre"), "cifar-n-table", "sop+", "best test epoch", 0.9561, 0.0013),
        (("cifar10", "random2"), "cifar-n-table", "ce", "best test epoch", 0.8646, 0.0179),
        (("cifar10", "random3"), "cifar-n-table", "proto-semi", "best test epoch", 0.9567, None),
        (("cifar10", "worst"), "noisypy", "dividemix", "best test epoch", 0.9310, 0.0010),
        (SYMMETRIC[2], "augdesc", "augdesc-ws", "mean of last 10", 0.66046, None),
        (SYMMETRIC[0], "promix", "promix", "last epoch", 0.8239, None),
        (SYMMETRIC[3], "augdesc", "augdesc-raw", "best test epoch", 0.0799, None),
    ],
)
def test_figures_are_those_of_the_sources(data, source, method, rule, mean, std):
    [figure] = [
        figure
        for figure in published_figures(*data).figures
        if (figure.source, figure.method, figure.rule) == (source, method, rule)
    ]
    assert (figure.mean, figure.std) == (mean, std)


def test_the_reporting_rule_reverses_ce_and_co_teaching(published):
    own = [f for f in published.figures if f.source.startswith("noisypy")]
    means = {(f.method, f.rule): f.mean for f in own}
    assert means["ce", "best test epoch"] > means["co-teaching", "best test epoch"]
    assert means["ce", "last epoch"] < means["co-teaching", "last epoch"]


@pytest.mark.parametrize(
    ("data", "count"),
    list(zip(DATA, [59, 32, 31, 30, 30, 37, 18, 8, 8, 18], strict=True)),
    ids=lambda each: str(each),
)
def test_every_figure_has_a_source_and_stands_once(data, count):
    published = published_figures(*data)
    assert {figure.source for figure in published.figures} == set(published.sources)
    keys = [(f.source, f.method, f.rule) for f in published.figures]
    assert len(set(keys)) == len(keys) == count


def test_no_table_is_of_other_data_than_those():
    text = files("lnlbench.results").joinpath("published.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)["tables"]
    assert {tuple(column) for table in tables for column in table["data"]} == set(DATA)


def test_other_data_have_no_figures():
    for dataset, noise in [("cifar100", "symmetric:0.4"), ("digits", "noisy-fine")]:
        nothing = published_figures(dataset, noise)
        assert (nothing.sources, nothing.figures) == ({}, [])


def test_every_published_name_is_one_method_of_these_packages_or_expressly_not_one():
    names = {figure.method for data in DATA for figure in published_figures(*data).figures}
    assert names == set(NAMES)
    plugins = {page.stem for page in ROOT.glob("plugins/*/docs/*.md")}
    assert {named.method for named in NAMES.values() if named} <= {*BUILTIN, *plugins}


def names_of(method, params):
    return {name for name in NAMES if stands_for(name, method, params)}


@pytest.mark.parametrize(
    ("recipe", "params", "names"),
    [
        ("matched", {}, {"dividemix"}),
        ("native-lambda0", {}, {"dividemix"}),
        ("augdesc-ws", {}, {"augdesc-ws"}),
        ("matched", {"augmentation": "ws-saw"}, {"augdesc-ws-saw"}),
        ("matched", {"augmentation": "ws-randaugment"}, {"augdesc-ws-randaug-n1m6"}),
        ("matched", {"augmentation": "ws-randaugment", "randaugment_operations": 2}, set()),
        ("divider-both", {}, set()),
    ],
)
def test_figures_of_augdesc_stand_at_its_strategy_and_dividemixs_at_plain_dividemix(
    recipe, params, names
):
    spec = build_spec(BUILTIN["dividemix"], "cifar100n-scratch", recipe, params=params)
    assert names_of("dividemix", spec.params) == names


@pytest.mark.parametrize(
    ("method", "params", "names"),
    [
        ("elr-plus", {}, {"elr+"}),
        ("sop-plus", {}, {"sop+"}),
        ("co-teaching-plus", {}, {"co-teaching+"}),
        ("f-divergence", {}, {"f-div"}),
        ("forward-correction", {}, {"forward-t"}),
        ("epsilon-softmax", {}, {"ce-eps+mae"}),
        ("ce-ema", {}, {"ema"}),
        ("promix", {}, {"promix"}),
        ("gls", {"smoothing": -0.4}, {"negative-ls"}),
        ("gls", {"smoothing": 0.4}, {"positive-ls"}),
        ("gls", {"smoothing": 0.0}, set()),
        ("label-smoothing", {}, set()),
    ],
)
def test_names_that_papers_spell_their_own_way(method, params, names):
    assert names_of(method, params) == names
