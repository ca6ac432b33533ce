import pytest

from lnlbench.results.published import published_figures


@pytest.fixture(scope="module")
def published():
    return published_figures("cifar100", "noisy-fine")


@pytest.mark.parametrize(
    ("source", "method", "rule", "mean", "std"),
    [
        ("cifar-n-table", "ce", "best test epoch", 0.5550, 0.0066),
        ("cifar-n-table", "dividemix", "best test epoch", 0.7113, 0.0048),
        ("noisypy", "ce", "best test epoch", 0.6119, 0.0051),
        ("noisypy", "ce", "last epoch", 0.4918, 0.0048),
        ("noisypy", "dividemix", "mean of last 10", 0.7031, 0.0010),
        ("noisypy", "elr", "mean of last 10", 0.6352, None),
    ],
)
def test_figures_are_those_of_the_sources(published, source, method, rule, mean, std):
    [figure] = [
        figure
        for figure in published.figures
        if (figure.source, figure.method, figure.rule) == (source, method, rule)
    ]
    assert (figure.mean, figure.std) == (mean, std)


def test_the_reporting_rule_reverses_ce_and_co_teaching(published):
    means = {(f.method, f.rule): f.mean for f in published.figures if f.source == "noisypy"}
    assert means["ce", "best test epoch"] > means["co-teaching", "best test epoch"]
    assert means["ce", "last epoch"] < means["co-teaching", "last epoch"]


def test_every_figure_has_a_source_and_stands_once(published):
    assert all(figure.source in published.sources for figure in published.figures)
    keys = [(f.source, f.method, f.rule) for f in published.figures]
    assert len(set(keys)) == len(keys) == 57


def test_other_data_have_no_figures():
    for dataset, noise in [("cifar100", "symmetric:0.4"), ("digits", "noisy-fine")]:
        nothing = published_figures(dataset, noise)
        assert (nothing.sources, nothing.figures) == ({}, [])
