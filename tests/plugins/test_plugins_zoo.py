"""In a zoo of broken plugins the good ones load, and what the others changed is put back."""

import json
import random
from pathlib import Path

import numpy as np
import torch
from listed_plugins import HOOKED, REFERENCE, the_reason
from plugin_zoo import good_source, install, method_source

from lnlbench.plugins import load_plugins

ZOO = {
    "zoo-argument": (f"{HOOKED}def register_methods(x):\n    return []\n", "{'x'} are declared"),
    "zoo-chdir": ("import os\nos.chdir('/')\n" + good_source("moved"), "changed the working dir"),
    "zoo-class": (f"{HOOKED}def register_methods():\n    return [object]\n", "not a subclass"),
    "zoo-default": (f"{HOOKED}def register_methods(x=1):\n    return []\n", "has a default"),
    "zoo-dtype": (
        "import torch\ntorch.set_default_dtype(torch.float64)\n" + good_source("wide"),
        "changed torch's default dtype from torch.float32 to torch.float64",
    ),
    "zoo-duplicate": (good_source("good-one"), "already provided by zoo-a-good"),
    "zoo-escape": (method_source(f"name = '\\x1b[31mred'\n{REFERENCE}"), r"'\x1b[31mred'"),
    "zoo-exit": ("import sys\nsys.exit('no')", "SystemExit: no"),
    "zoo-import": ("import no_such_module", "ModuleNotFoundError"),
    "zoo-misspelt": (f"{HOOKED}def register_methds():\n    return []\n", "'register_methds'"),
    "zoo-name": (method_source(f"name = 'Not Kebab'\n{REFERENCE}"), "'Not Kebab'"),
    "zoo-none": (f"{HOOKED}def register_methods():\n    pass\n", "returned None"),
    "zoo-raises": (f"{HOOKED}def register_methods():\n    return {{}}['k']\n", "KeyError: 'k'"),
    "zoo-syntax": ("def", "SyntaxError"),
    "zoo-undecorated": ("def register_methods():\n    return []\n", "hookimpl is missing"),
}


def test_in_a_zoo_of_plugins_the_good_load_and_each_broken_one_is_named(site):
    install(site, "zoo-a-good", good_source("good-one"))
    install(site, "zoo-z-good", good_source("good-two"))
    for name, (source, _) in ZOO.items():
        install(site, name, source)
    install(site, "zoo-version", good_source("good-three"), requires=("lnlbench==0.0.1",))
    plugins = load_plugins()
    zoo = {name for name, origin in plugins.origins.items() if origin.distribution[:4] == "zoo-"}
    assert zoo == {"good-one", "good-two"}
    for name, (_, reason) in ZOO.items():
        assert reason in the_reason(plugins, name)
    assert "requires lnlbench==0.0.1" in the_reason(plugins, "zoo-version")
    failed = [error.origin.distribution for error in plugins.errors]
    assert sorted(failed) == sorted([*ZOO, "zoo-version"])
    json.dumps([vars(error.origin) for error in plugins.errors])


def test_what_an_import_changes_is_put_back(site):
    folder, dtype = Path.cwd(), torch.get_default_dtype()
    install(site, "lnlbench-a", ZOO["zoo-dtype"][0])
    install(site, "lnlbench-b", ZOO["zoo-chdir"][0])
    seeding = "import random, numpy, torch\nfor each in (random.seed, numpy.random.seed,"
    seeding += " torch.manual_seed):\n    each(0)\n"
    install(site, "lnlbench-c", seeding + good_source("seeder"))
    torch.manual_seed(7)
    streams = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    plugins = load_plugins()
    assert (Path.cwd(), torch.get_default_dtype()) == (folder, dtype)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert after == streams
    # Its seeds are without effect now, so that it can stay.
    assert "seeder" in plugins.methods
    assert not {"wide", "moved"} & set(plugins.methods)
