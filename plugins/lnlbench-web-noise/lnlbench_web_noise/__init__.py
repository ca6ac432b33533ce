"""Data sets with label noise from the web, read as their authors distribute them."""

from functools import partial
from importlib import import_module
from typing import Any

import lnlbench
from lnlbench_web_noise.settings import (
    Animal10N,
    Clothing1M,
    Food101N,
    MiniImageNet,
    MiniWebVision,
    WebNoise,
)

# The name of each data set, its module, its settings, and a line for people.
_SETS: dict[str, tuple[str, type[WebNoise], str]] = {
    "mini-imagenet-red": (
        "controlled",
        MiniImageNet,
        "Red Mini-ImageNet: a controlled share of the images is found on the web",
    ),
    "mini-imagenet-blue": (
        "controlled",
        MiniImageNet,
        "Blue Mini-ImageNet: the same shares of labels are drawn at random",
    ),
    "clothing1m": (
        "clothing1m",
        Clothing1M,
        "a million photos of clothes, labels from words",
    ),
    "mini-webvision": (
        "webvision",
        MiniWebVision,
        "the first 50 classes of WebVision, Google",
    ),
    "animal10n": (
        "animal10n",
        Animal10N,
        "ANIMAL-10N: similar animals, human labels",
    ),
    "food101n": (
        "food101n",
        Food101N,
        "Food-101N: photos of 101 dishes from the web",
    ),
}


def load(name: str, settings: Any) -> lnlbench.Dataset:
    """The data set of that name, from the folder that the settings name."""
    from lnlbench_web_noise.build import build

    module = import_module(f"lnlbench_web_noise.{_SETS[name][0]}")
    listing = module.read(name, settings, module.PUBLISHED)
    return build(name, listing, settings)


@lnlbench.hookimpl
def register_datasets() -> list[lnlbench.DataSource]:
    """The data sets of this plugin."""
    return [
        lnlbench.DataSource(name, title, settings, partial(load, name), reading=("stream",))
        for name, (_, settings, title) in _SETS.items()
    ]
