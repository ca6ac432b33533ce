"""What the plugins that lnlbench's repository has beside it provide, by distribution."""

from collections.abc import Mapping, Sequence

from lnlbench.errors import UsageError, installing

METHODS = {
    "lnlbench-early-learning": ("elr-plus", "pes", "pes-semi", "sop", "sop-plus"),
    "lnlbench-robust-losses": (
        "anl-ce",
        "bootstrapping",
        "cores",
        "cores-star",
        "epsilon-softmax",
        "f-divergence",
        "gjs",
        "gls",
        "nce-mae",
        "nce-rce",
        "peer-loss",
        "sce",
        "truncated-gce",
    ),
    "lnlbench-selection": ("aum", "confident-learning", "disc", "promix", "ssr", "unicon"),
    "lnlbench-transition": ("backward-correction", "cal", "t-revision", "volminnet"),
}

DATASETS = {
    "lnlbench-image-folder": ("image-folder",),
    "lnlbench-web-noise": (
        "animal10n",
        "clothing1m",
        "food101n",
        "mini-imagenet-blue",
        "mini-imagenet-red",
        "mini-webvision",
    ),
}


def bringer(method: str) -> str | None:
    """The distribution that brings a method; None if no plugin of the repository does."""
    return _bringer(METHODS, method)


def bringer_of_data(dataset: str) -> str | None:
    """The distribution that brings a data set; None if no plugin of the repository does."""
    return _bringer(DATASETS, dataset)


def not_installed(what: str, distribution: str) -> UsageError:
    """The error for something, such as "method 'sce'", that needs a plugin of the repository."""
    return UsageError(
        f"The {what} is in {distribution}, which is not installed: {installing(distribution)}."
    )


def _bringer(known: Mapping[str, Sequence[str]], wanted: str) -> str | None:
    return next((name for name, provided in known.items() if wanted in provided), None)
