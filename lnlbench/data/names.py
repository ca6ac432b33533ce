"""The names of the data sets, and which human labels belong to each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lnlbench.errors import unknown_name

GIVEN = "given"  # the noise that stands for the labels that came with somebody's own data


@dataclass(frozen=True)
class DatasetInfo:
    """What is known about a data set before it is read.

    `maps`: the kinds of asymmetric noise for which the data set has a map of similar classes.
    `images`: the data set that has the same images with other classes, if there is one.
    """

    title: str
    num_classes: int
    human_noise: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    images: str = ""


DATASETS: Mapping[str, DatasetInfo] = {
    "digits": DatasetInfo("scikit-learn handwritten digits, upscaled to 32x32", 10),
    "cifar10": DatasetInfo(
        "CIFAR-10 with the CIFAR-10N human labels",
        10,
        ("aggre", "random1", "random2", "random3", "worst"),
        ("cifar10n", "cifar-10", "cifar-10n"),
        maps=("asymmetric",),
    ),
    "cifar100": DatasetInfo(
        "CIFAR-100 with the CIFAR-100N human fine labels",
        100,
        ("noisy-fine",),
        ("cifar100n", "cifar-100", "cifar-100n"),
        maps=("asymmetric-superclass", "asymmetric-block"),
    ),
    "cifar100-coarse": DatasetInfo(
        "CIFAR-100's 20 superclasses with the CIFAR-100N human coarse labels",
        20,
        ("noisy-coarse",),
        ("cifar100n-coarse", "cifar-100-coarse", "cifar-100n-coarse"),
        images="cifar100",
    ),
}


def dataset_names() -> list[str]:
    """The canonical names, sorted."""
    return sorted(DATASETS)


def images_of(name: str) -> str:
    """The name of the data set whose images these are: "cifar100" for "cifar100-coarse"."""
    return (name in DATASETS and DATASETS[name].images) or name


def canonical_name(name: str, provided: Iterable[str] = ()) -> str:
    """The canonical name for a name or an alias; raises UsageError for any other.

    `provided` are the names of plugins' data sets; the error mentions them.
    """
    wanted = name.strip().lower()
    for canonical, info in DATASETS.items():
        if wanted == canonical or wanted in info.aliases:
            return canonical
    raise unknown_name("data set", name, [*DATASETS, *provided])
