"""Which method a published name stands for: papers spell names their own way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Named:
    """A method, and a test whether its parameters make it what the name stands for."""

    method: str
    fits: Callable[[Params], bool] = lambda params: True


def _augmented(strategy: str, **operations: int) -> Named:
    """DivideMix that divides samples by their losses, with one of AugDesc's strategies."""

    def fits(params: Params) -> bool:
        # A spec leaves out parameters that have their defaults.
        return (
            params.get("divider", "loss") == "loss"
            and params.get("augmentation", "runtime-w") == strategy
            and all(params.get(name) == value for name, value in operations.items())
        )

    return Named("dividemix", fits)


# None stands for a method that lnlbench does not have.
NAMES: Mapping[str, Named | None] = {
    "augdesc-raw": _augmented("raw"),
    "augdesc-runtime-s": _augmented("runtime-s"),
    "augdesc-ss": _augmented("ss"),
    "augdesc-ws": _augmented("ws"),
    "augdesc-ws-randaug-n1m6": _augmented(
        "ws-randaugment", randaugment_operations=1, randaugment_magnitude=6
    ),
    "augdesc-ws-saw": _augmented("ws-saw"),
    "augdesc-ww": _augmented("ww"),
    "cal": Named("cal"),
    "ce": Named("ce"),
    "ce-eps+mae": Named("epsilon-softmax"),
    "ce-eps+mae-semi": None,
    "co-teaching": Named("co-teaching"),
    "co-teaching+": Named("co-teaching-plus"),
    "cores": Named("cores"),
    "cores*": Named("cores-star"),
    "dividemix": _augmented("runtime-w"),
    "elr": Named("elr"),
    "elr+": Named("elr-plus"),
    "ema": Named("ce-ema"),
    "f-div": Named("f-divergence"),
    "forward-t": Named("forward-correction"),
    "gce": Named("gce"),
    "jocor": Named("jocor"),
    "negative-ls": Named("gls", lambda params: params["smoothing"] < 0),
    "peer-loss": Named("peer-loss"),
    "pes-semi": Named("pes-semi"),
    "positive-ls": Named("gls", lambda params: params["smoothing"] > 0),
    "promix": Named("promix"),
    "proto-semi": None,
    "sop": Named("sop"),
    "sop+": Named("sop-plus"),
    "t-revision": Named("t-revision"),
    "volminnet": Named("volminnet"),
}


def stands_for(name: str, method: str, params: Params) -> bool:
    """Whether figures under a published name are of this method with these parameters."""
    named = NAMES[name]
    return named is not None and named.method == method and named.fits(params)
