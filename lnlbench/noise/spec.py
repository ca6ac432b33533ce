"""The names of the noises: reading one, and whether it fits a data set."""

from collections.abc import Collection
from dataclasses import dataclass

from lnlbench.data.names import DATASETS, GIVEN, canonical_name
from lnlbench.errors import UsageError, unknown_name

RATED = {
    "symmetric": "to a class drawn from all, which may be the true one (DivideMix's code)",
    "symmetric-other": "to another class, uniformly (Co-teaching's code)",
    "asymmetric": "to the most similar class, by CIFAR-10's fixed map (Patrini et al., CVPR 2017)",
    "asymmetric-superclass": "to the next class of the superclass (as papers on CIFAR-100 say)",
    "asymmetric-block": "to the next class in blocks of five ids (as most of their code does)",
    "pairflip": "to the class with the next id (Han et al., NeurIPS 2018)",
    "instance": "to a class that depends on the raw pixels (Xia et al., NeurIPS 2020)",
}
# These kinds need a map of similar classes; few data sets have one.
MAPPED = ("asymmetric", "asymmetric-superclass", "asymmetric-block")
HUMAN = (*(name for info in DATASETS.values() for name in info.human_noise), GIVEN)


@dataclass(frozen=True)
class NoiseSpec:
    """A noise that was read: synthetic kinds have a `rate`, human and matched ones a `source`."""

    kind: str
    rate: float | None = None
    source: str | None = None

    def __str__(self) -> str:
        if self.kind == "human":
            return str(self.source)
        argument = self.rate if self.rate is not None else self.source
        return self.kind if argument is None else f"{self.kind}:{argument}"


def noise_names() -> list[str]:
    """Every noise name, as a user writes it on the command line."""
    return ["clean", *HUMAN, "matched", *(f"{kind}:RATE" for kind in RATED)]


def noise_sentences() -> dict[str, str]:
    """One line about each noise, by the name that a user writes on the command line."""
    human = {
        ", ".join(info.human_noise): f"human labels of {name}"
        for name, info in DATASETS.items()
        if info.human_noise
    }
    return {
        "clean": "the true labels",
        **human,
        GIVEN: "the labels that your own data came with",
        "matched": "drawn with the confusion matrix of human labels; matched:worst uses `worst`",
        **{f"{kind}:RATE": f"a label moves {what}" for kind, what in RATED.items()},
    }


def parse_noise(text: str) -> NoiseSpec:
    """Read a name such as `clean`, `noisy-fine`, `matched`, `matched:worst` or `symmetric:0.4`.

    Raises UsageError for an unknown name, a missing rate, or a rate outside [0, 1).
    """
    kind, colon, argument = text.strip().lower().partition(":")
    if kind in RATED:
        return NoiseSpec(kind, rate=_rate(kind, argument))
    if kind == "matched":
        if colon and argument not in HUMAN:
            raise unknown_name("human noise", argument, HUMAN, "Example: matched:worst.")
        return NoiseSpec(kind, source=argument or None)
    if kind != "clean" and kind not in HUMAN:
        names = ["clean", "matched", *HUMAN, *RATED]
        raise unknown_name("noise", text, names, "Synthetic ones take a rate: symmetric:0.4.")
    if colon:
        raise UsageError(f"Noise {kind!r} takes no argument; given {text!r}. Write '{kind}'.")
    return NoiseSpec(kind) if kind == "clean" else NoiseSpec("human", source=kind)


def check_noise(text: str, dataset_name: str) -> None:
    """Raise UsageError when a noise is misspelt or is not defined for the data set."""
    name = canonical_name(dataset_name)
    info = DATASETS[name]
    check_fit(parse_noise(text), name, info.human_noise, info.maps)


def check_fit(spec: NoiseSpec, dataset: str, human: Collection[str], maps: Collection[str]) -> None:
    """Raise UsageError when `dataset`, with these human labels and maps, cannot have this noise."""
    if spec.kind in MAPPED and spec.kind not in maps:
        raise UsageError(_no_map(spec, dataset, maps))
    if spec.kind == "matched" and not human:
        raise UsageError(
            f"Noise {str(spec)!r} copies the confusion of human labels, and data set {dataset!r} "
            "has none. Use cifar10, cifar100 or cifar100-coarse, or a synthetic noise such as "
            "'symmetric:0.4'."
        )
    if spec.kind == "matched" and spec.source is None and len(human) > 1:
        options = ", ".join(f"matched:{name}" for name in sorted(human))
        raise UsageError(f"Data set {dataset!r} has several human labels; say which: {options}.")
    if spec.source == GIVEN and GIVEN not in human:
        raise UsageError(
            f"Noise 'given' is the labels of data of your own (--dataset image-folder), and data "
            f"set {dataset!r} has none beside its clean ones. 'lnlbench datasets' lists the noises."
        )
    if spec.source is not None and spec.source not in human:
        owner = next(name for name, info in DATASETS.items() if spec.source in info.human_noise)
        own = f"has {', '.join(sorted(human))}" if human else "has no human labels"
        raise UsageError(
            f"Noise {str(spec)!r} belongs to --dataset {owner}; data set {dataset!r} {own}."
        )


def _no_map(spec: NoiseSpec, dataset: str, maps: Collection[str]) -> str:
    own = [f"'{kind}:{spec.rate}' ({RATED[kind]})" for kind in MAPPED if kind in maps]
    if own:
        return (
            f"Noise {str(spec)!r} is not defined for data set {dataset!r}, which has another map "
            f"of similar classes. Use {' or '.join(own)}."
        )
    return (
        f"Noise {str(spec)!r} needs a map of similar classes, and data set {dataset!r} has none "
        f"(cifar10 and cifar100 have one). Use 'pairflip:{spec.rate}': {RATED['pairflip']}."
    )


def _rate(kind: str, argument: str) -> float:
    example = f"Example: {kind}:0.4."
    if not argument:
        raise UsageError(f"Noise {kind!r} needs a rate from 0 to below 1. {example}")
    try:
        rate = float(argument)
    except ValueError:
        raise UsageError(f"Noise {kind!r}: {argument!r} is not a number. {example}") from None
    if not 0 <= rate < 1:
        percent = f" For {argument} % write {kind}:{rate / 100}." if 1 < rate < 100 else ""
        raise UsageError(
            f"Noise {kind!r}: rate {argument} is outside the allowed range 0 <= rate < 1."
            f"{percent or ' ' + example}"
        )
    return rate
