"""The methods of the plugins that lnlbench's repository has beside it, by distribution."""

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


def bringer(method: str) -> str | None:
    """The distribution that brings a method; None if no plugin of the repository does."""
    return next((name for name, methods in METHODS.items() if method in methods), None)
