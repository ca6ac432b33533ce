"""Each data set in its published layout, and how tests read it."""

from importlib import import_module

import web_noise_fakes as fakes
from lnlbench_web_noise import _SETS, register_datasets
from lnlbench_web_noise.build import build

from lnlbench.interface.params import validate_params

SOURCES = {source.name: source for source in register_datasets()}
# How to write each, and the settings that it needs.
FAKES = {
    "animal10n": (fakes.animal10n, {}),
    "clothing1m": (fakes.clothing1m, {"image_size": 8}),
    "mini-webvision": (fakes.webvision, {"image_size": 8, "classes": 3}),
    "mini-imagenet-red": (fakes.controlled, {"image_size": 8}),
    "food101n": (fakes.food101n, {"image_size": 8}),
}


def read(name, root, published=None, **settings):
    """The listing and the data set of fakes; `published` are their own counts."""
    module = import_module(f"lnlbench_web_noise.{_SETS[name][0]}")
    asked = {**FAKES.get(name, (None, {"image_size": 8}))[1], "root": str(root), **settings}
    params = validate_params(name, SOURCES[name].params, asked, kind="data set")
    listing = module.read(name, params, published or module.PUBLISHED)
    return listing, build(name, listing, params)
