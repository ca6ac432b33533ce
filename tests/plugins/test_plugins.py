"""Finding plugins: each way in which pluggy, or a plugin, goes wrong in silence or too loudly."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from plugin_zoo import good_source, install, method_source, write_dist_info

import lnlbench
from lnlbench.errors import LnlbenchError, UsageError
from lnlbench.plugins import Origin, Plugins, load_plugins
from lnlbench.plugins.checks import check_requirements
from lnlbench.plugins.refusal import PluginRefused
from lnlbench.system.text import printable

HOOKED = "import lnlbench\n\n@lnlbench.hookimpl\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, first on sys.path, with a small stand-in built-in."""
    monkeypatch.delenv("LNLBENCH_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "lnlbench", good_source("builtin-method"), entry_point="builtin")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def reasons(plugins: Plugins, distribution: str) -> list[str]:
    return [error.reason for error in plugins.errors if error.origin.distribution == distribution]


def the_reason(plugins: Plugins, distribution: str) -> str:
    found = reasons(plugins, distribution)
    assert len(found) == 1, found
    return found[0]


def loaded(plugins: Plugins) -> list[str]:
    return [origin.distribution for origin in plugins.loaded]


def test_hook_register_methods(site):
    install(site, "lnlbench-a", good_source("first", "second"), entry_point="a", version="2.5")
    plugins = load_plugins()
    assert {"builtin-method", "first", "second"} <= set(plugins.methods)
    assert plugins.method("second").name == "second"
    assert plugins.origins["second"] == Origin("lnlbench-a", "2.5", "a")
    assert plugins.manager.has_plugin("lnlbench-a:a")
    assert plugins.errors == []


def backbone_source(*arguments: str) -> str:
    """A plugin with one backbone for each text of `Backbone` arguments."""
    listing = ", ".join(f"lnlbench.Backbone({each})" for each in arguments)
    return f"{HOOKED}def register_backbones():\n    return [{listing}]\n"


def test_hook_register_backbones(site):
    source = backbone_source("'timm:resnet18', 'ImageNet-1k', dict", "'timm:vit_x', 'LAION', dict")
    install(site, "lnlbench-a", source, version="2.5", entry_point="a")
    plugins = load_plugins(strict=True)
    assert {"timm:resnet18", "timm:vit_x"} <= set(plugins.backbones)
    assert plugins.backbones["timm:vit_x"].pretrained_on == "LAION"
    assert plugins.backbone_origins["timm:vit_x"] == Origin("lnlbench-a", "2.5", "a")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("'resnet18', 'ImageNet-1k', dict", "'resnet18' is not timm:NAME"),
        ("'timm:resnet18', ' ', dict", "does not say what it was pretrained on"),
        ("'timm:resnet18', 'ImageNet-1k', {}", "weights is not a function"),
        ("'timm:taken', 'ImageNet-1k', dict", "already provided by lnlbench-a"),
        ("'my-net'", "needs build="),
        ("'my-net', build=3", "build is not a function"),
        ("'My net', build=dict", "lower-case words"),
        ("'resnet18', build=dict", "lnlbench's own"),
        ("'my-net', 'ImageNet-1k', dict, dict", "has build and weights"),
    ],
)
def test_a_backbone_is_refused_and_the_others_stay_usable(site, arguments, reason):
    install(site, "lnlbench-a", backbone_source("'timm:taken', 'ImageNet-1k', dict"))
    install(site, "lnlbench-b", backbone_source(arguments, "'timm:good', 'ImageNet-1k', dict"))
    plugins = load_plugins()
    assert reason in the_reason(plugins, "lnlbench-b")
    assert {"timm:taken", "timm:good"} <= set(plugins.backbones)
    refused = arguments.partition(",")[0].strip("'")
    assert refused == "timm:taken" or refused not in plugins.backbones


def test_something_that_is_no_backbone_is_refused(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_backbones():\n    return ['resnet18']\n")
    assert "not an lnlbench.Backbone" in the_reason(load_plugins(), "lnlbench-a")


def test_the_real_builtin_methods_come_by_the_same_door(monkeypatch):
    monkeypatch.setenv("LNLBENCH_PLUGINS", "none")
    from lnlbench.methods import register_methods

    plugins = load_plugins(strict=True)
    assert list(plugins.methods.values()) == register_methods()
    assert plugins.methods
    assert {origin.distribution for origin in plugins.origins.values()} == {"lnlbench"}


def test_nothing_is_loaded_at_import_and_nothing_is_global(site):
    install(site, "lnlbench-a", good_source("first"))
    code = (
        "import sys, lnlbench.plugins\n"
        "print([m for m in ('torch', 'numpy', 'lnlbench_a_module') if m in sys.modules])"
    )
    path = [str(site), str(Path(lnlbench.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    first, second = load_plugins(), load_plugins()
    assert first.manager is not second.manager
    assert list(first.methods) == list(second.methods)


def test_two_packages_with_the_same_entry_point_name_both_load(site):
    install(site, "lnlbench-a", good_source("first"), entry_point="same")
    install(site, "lnlbench-b", good_source("second"), entry_point="same")
    plugins = load_plugins()
    assert plugins.origins["first"].distribution == "lnlbench-a"
    assert plugins.origins["second"].distribution == "lnlbench-b"


def test_a_misspelt_hook_is_an_error_that_names_the_nearest(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_method():\n    return []\n")
    reason = the_reason(load_plugins(), "lnlbench-a")
    assert "'register_method'" in reason
    assert "Did you mean 'register_methods'?" in reason


def test_a_forgotten_hookimpl_is_an_error(site):
    install(site, "lnlbench-a", "def register_methods():\n    return []\n")
    install(site, "lnlbench-b", "import lnlbench\n")
    plugins = load_plugins()
    assert the_reason(plugins, "lnlbench-a") == (
        "@lnlbench.hookimpl is missing on register_methods"
    )
    assert "implements no hook" in the_reason(plugins, "lnlbench-b")


def test_a_hook_argument_with_a_default_is_an_error(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_methods(extra=None):\n    return []\n")
    assert "argument 'extra' of register_methods has a default" in the_reason(
        load_plugins(), "lnlbench-a"
    )


def test_an_unknown_argument_is_an_error_and_leaves_nothing_registered(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_methods(unknown):\n    return []\n")
    plugins = load_plugins()
    reason = the_reason(plugins, "lnlbench-a")
    assert "{'unknown'} are declared in the hookimpl but can not be found" in reason
    assert not plugins.manager.has_plugin("lnlbench-a:plugin")
    assert "lnlbench-a" not in loaded(plugins)


def test_a_raising_implementation_does_not_disturb_the_others(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_methods():\n    return 1 / 0\n")
    install(site, "lnlbench-b", good_source("second"))
    plugins = load_plugins()
    assert the_reason(plugins, "lnlbench-a") == (
        "register_methods() raised ZeroDivisionError: division by zero "
        "(lnlbench_a_module.py, line 5)"
    )
    assert "second" in plugins.methods


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module"),
        ("x = 1\ndef (", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3 (lnlbench_a_module.py, line 1)"),
        ("raise GeneratorExit", "GeneratorExit"),
        (
            "import lnlbench\n\nclass P(lnlbench.Params):\n    steps = []",
            "(lnlbench_a_module.py, line 3)",
        ),
        (
            "import lnlbench\nlnlbench.Track.model_validate({'name': 'mine'})",
            "ValidationError: Track: title: Field required (lnlbench_a_module.py, line 2)",
        ),
        ("def f(): f()\nf()", "RecursionError: "),
        (
            "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
            "E: its message raised ValueError (lnlbench_a_module.py, line 3)",
        ),
        ("raise ValueError('\\x1b[2J' + 'long ' * 1000)", r"ValueError: \x1b[2Jlong long"),
    ],
)
def test_whatever_an_import_raises_is_that_plugins_error(site, source, reason):
    install(site, "lnlbench-a", source)
    plugins = load_plugins()
    found = the_reason(plugins, "lnlbench-a")
    assert found.startswith("importing 'lnlbench_a_module' raised")
    assert reason in found
    assert found.isprintable()
    assert len(found) <= 600
    assert "builtin-method" in plugins.methods


def test_a_missing_module_is_that_plugins_error(site):
    write_dist_info(site, "lnlbench-a", "[lnlbench]\nplugin = gone_module:missing\n")
    write_dist_info(site, "lnlbench-b", "[lnlbench]\nplugin = not a module\n")
    plugins = load_plugins()
    assert the_reason(plugins, "lnlbench-a") == (
        "importing 'gone_module:missing' raised ModuleNotFoundError: No module named 'gone_module'"
    )
    assert "importing 'not a module' raised" in the_reason(plugins, "lnlbench-b")


def test_control_c_during_an_import_still_stops_the_program(site):
    install(site, "lnlbench-a", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("pass", "None"),
        ("return (lnlbench.Method,)", "tuple"),
        ("return lnlbench.Method", "type"),
        ("yield lnlbench.Method", "generator"),
    ],
)
def test_a_hook_that_does_not_return_a_list_is_an_error(site, statement, kind):
    install(site, "lnlbench-a", f"{HOOKED}def register_methods():\n    {statement}\n")
    reason = the_reason(load_plugins(), "lnlbench-a")
    assert "register_methods() returned" in reason
    assert f"{kind}, not a list of Method classes" in reason


def test_a_hook_wrapper_is_an_error(site):
    source = "import lnlbench\n@lnlbench.hookimpl(wrapper=True)\ndef register_methods():\n"
    install(site, "lnlbench-a", f"{source}    yield\n    return []\n")
    plugins = load_plugins()
    assert "hook wrapper" in the_reason(plugins, "lnlbench-a")
    assert "builtin-method" in plugins.methods


def test_a_module_under_two_entry_points_is_loaded_once(site):
    module = install(site, "lnlbench-a", good_source("first"))
    write_dist_info(site, "lnlbench-b", f"[lnlbench]\nagain = {module}\n")
    plugins = load_plugins()
    assert plugins.origins["first"].distribution == "lnlbench-a"
    assert the_reason(plugins, "lnlbench-b").endswith("is already loaded as lnlbench-a:plugin")


REFERENCE = "reference = 'Nobody (2026)'\n"
NAMED = f"name = 'broken'\n{REFERENCE}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (f"{HOOKED}def register_methods():\n    return [int]\n", "not a subclass of Method"),
        (f"{HOOKED}def register_methods():\n    return ['ce']\n", "'ce', not a subclass of Method"),
        (method_source(REFERENCE), "class Broken has no name"),
        (method_source(f"name = 7\n{REFERENCE}"), "class Broken has no name"),
        (method_source("name = 'broken'\n"), "'broken' has no reference"),
        (method_source("name = 'broken'\nreference = '  '\n"), "'broken' has no reference"),
        (method_source(f"name = 'Broken'\n{REFERENCE}"), "'Broken' is not lower-case"),
        (method_source(f"name = 'bro_ken'\n{REFERENCE}"), "'bro_ken' is not lower-case"),
        (method_source(f"name = 'broken\\n'\n{REFERENCE}"), r"'broken\n' is not lower-case"),
        (method_source(f"name = '\\x1b[31mred'\n{REFERENCE}"), r"'\x1b[31mred' is not lower-case"),
        (method_source(f"{NAMED}networks = 0\n"), "networks is 0"),
        (method_source(f"{NAMED}networks = True\n"), "networks is True"),
        (method_source(f"{NAMED}oracle = 'noise_rate'\n"), "oracle is 'noise_rate'"),
        (method_source(f"{NAMED}Params = dict\n"), "Params is not a subclass"),
        (
            method_source(f"{NAMED}oracle = frozenset({{'clean_subset'}})\n"),
            "declares clean_subset, and Params is not a subclass",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params, extra='allow'):\n    pass\n"),
            "Params has to refuse unknown keys",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params):\n    keep: float\n"),
            "defaults do not validate: Parameter 'keep'",
        ),
        (
            method_source(
                f"{NAMED}class Params(lnlbench.Params):\n    keep: float = Field(2.0, le=1)\n"
            ),
            "defaults do not validate: Parameter 'keep'",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params):\n    keep: object = object()\n"),
            "Unable to serialize",
        ),
        (method_source(f"{NAMED}recipes = ['native']\n"), "recipes is not a dict"),
        (method_source(f"{NAMED}recipes = {{'native': {{}}}}\n"), "recipe 'native' is not an"),
        (
            method_source(f"{NAMED}recipes = {{'native': lnlbench.Recipe(params={{'kep': 1}})}}\n"),
            "recipe 'native': Method 'broken' has no parameter 'kep'",
        ),
        (method_source(f"{NAMED}quick_params = 3\n"), "quick_params is 3, not a dict"),
        (
            method_source(f"{NAMED}quick_params = {{'warmup': 1}}\n"),
            "quick_params: Method 'broken' has no parameter 'warmup'",
        ),
        (
            method_source(
                f"{NAMED}class Params(lnlbench.Params):\n    clean_threshold: float = 0.7\n"
            ),
            "define clean_threshold(self)",
        ),
    ],
)
def test_a_method_that_breaks_the_interface_is_refused(site, source, reason):
    install(site, "lnlbench-a", source)
    plugins = load_plugins()
    found = the_reason(plugins, "lnlbench-a")
    assert reason in found
    assert found.isprintable()
    assert "broken" not in plugins.methods


def test_a_method_without_fit_or_loss_is_refused(site):
    body = "    name = 'broken'\n    reference = 'Nobody (2026)'\n"
    hook = "@lnlbench.hookimpl\ndef register_methods():\n    return [Broken]\n"
    for base, missing in (("Method", "fit(run)"), ("LossMethod", "loss(network, batch, epoch)")):
        name = f"lnlbench-{base.lower()}"
        install(site, name, f"import lnlbench\nclass Broken(lnlbench.{base}):\n{body}{hook}")
        assert f"'broken' does not define {missing}" in the_reason(load_plugins(), name)


def test_a_duplicate_method_is_refused_naming_both_distributions(site):
    install(site, "lnlbench-a", good_source("same", "first"))
    install(site, "lnlbench-b", good_source("same", "second", "builtin-method"))
    plugins = load_plugins()
    assert plugins.origins["same"].distribution == "lnlbench-a"
    assert plugins.origins["builtin-method"].distribution == "lnlbench"
    assert {"first", "second"} <= set(plugins.methods)
    same, builtin = reasons(plugins, "lnlbench-b")
    assert "'same' of lnlbench-b is already provided by lnlbench-a" in same
    assert "'builtin-method' of lnlbench-b is already provided by lnlbench;" in builtin


def test_the_order_is_that_of_the_names_and_not_of_sys_path(site, tmp_path, monkeypatch):
    later = tmp_path / "later"
    later.mkdir()
    install(site, "lnlbench-z", good_source("z"))
    install(site, "Lnlbench-M", good_source("m"))
    install(later, "aaa", good_source("a"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(later)])
    names = [name for name in loaded(load_plugins()) if name != "lnlbench"]
    assert [name for name in names if name in ("aaa", "Lnlbench-M", "lnlbench-z")] == [
        "aaa",
        "Lnlbench-M",
        "lnlbench-z",
    ]
    assert loaded(load_plugins())[0] == "lnlbench"


def test_a_distribution_shadowed_on_sys_path_is_not_loaded_twice(site, tmp_path, monkeypatch):
    later = tmp_path / "later"
    later.mkdir()
    install(site, "lnlbench-a", good_source("first"), version="2.0")
    install(later, "Lnlbench.A", good_source("first"), version="1.0")
    monkeypatch.setattr(sys, "path", [*sys.path, str(later)])
    plugins = load_plugins(strict=True)
    assert plugins.origins["first"].version == "2.0"


@pytest.mark.parametrize(
    ("requirement", "version", "accepted"),
    [
        ("lnlbench", "0.1.0", True),
        ("lnlbench>=0.1", "0.1.0", True),
        ("lnlbench>=0.2", "0.1.0", False),
        ("LNLbench[test]<0.1", "0.1.0", False),
        ("lnlbench>=0.1", "0.2.0rc1", True),
        ("lnlbench>=0.2", "0.2.0rc1", False),
        ("lnlbench<0.2", "0.1.0.dev3", True),
        ("lnlbench>=9; extra == 'test'", "0.1.0", True),
        ("lnlbench>=9; python_version < '3'", "0.1.0", True),
        ("lnlbench>=9; python_version >= '3'", "0.1.0", False),
        ("lnlbench-other>=9", "0.1.0", True),
        ("lnlbench @ file:///somewhere", "0.1.0", True),
        ("lnlbench ??", "0.1.0", False),
    ],
)
def test_the_version_check_reads_a_requirement_as_an_installer_does(requirement, version, accepted):
    if accepted:
        check_requirements(["torch>=2", requirement], version)
    else:
        with pytest.raises(PluginRefused):
            check_requirements(["torch>=2", requirement], version)


def test_a_plugin_made_for_another_version_is_refused_without_being_imported(site):
    module = install(site, "lnlbench-a", good_source("first"), requires=("torch", "lnlbench>=7,<8"))
    plugins = load_plugins()
    reason = the_reason(plugins, "lnlbench-a")
    assert "requires lnlbench<8,>=7" in reason
    assert f"this is lnlbench {lnlbench.__version__}" in reason
    assert module not in sys.modules


def test_unreadable_metadata_spoils_only_its_own_distribution(site):
    install(site, "lnlbench-good", good_source("first"))
    write_dist_info(site, "lnlbench-malformed", "[lnlbench]\nno equals sign here\n")
    (write_dist_info(site, "nameless", "[lnlbench]\na = a\n") / "METADATA").write_text("\n")
    (write_dist_info(site, "empty", "[lnlbench]\na = a\n") / "METADATA").unlink()
    binary = write_dist_info(site, "binary", "") / "entry_points.txt"
    binary.write_bytes(b"[lnlbench]\na = \xff\xfe\n")
    write_dist_info(site, "unrelated", "[console_scripts]\nno equals sign here\n")
    plugins = load_plugins()
    place = f"a distribution in {site}"
    assert len(reasons(plugins, printable(place))) == 4
    assert "first" in plugins.methods


def test_what_a_plugin_prints_does_not_reach_stdout(site, capsys):
    install(site, "lnlbench-a", "print('hello from a plugin')\n" + good_source("first"))
    load_plugins()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello from a plugin" in captured.err


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("none", ["lnlbench"]),
        ("lnlbench-b", ["lnlbench", "lnlbench-b"]),
        (" Lnlbench_B , lnlbench-a,", ["lnlbench", "lnlbench-a", "lnlbench-b"]),
    ],
)
def test_the_environment_variable_limits_what_is_imported(site, monkeypatch, setting, expected):
    for letter in "ab":
        install(site, f"lnlbench-{letter}", good_source(letter))
    hanging = install(site, "lnlbench-hangs", "while True:\n    pass\n")
    monkeypatch.setenv("LNLBENCH_PLUGINS", setting)
    plugins = load_plugins()
    assert loaded(plugins) == expected
    assert hanging not in sys.modules
    assert "lnlbench-hangs" in [origin.distribution for origin in plugins.skipped]
    with pytest.raises(UsageError, match=r"left out by LNLBENCH_PLUGINS: .*lnlbench-hangs"):
        plugins.method("hangs")


def test_a_misspelt_distribution_in_the_environment_variable_is_an_error(site, monkeypatch):
    install(site, "lnlbench-a", good_source("first"))
    monkeypatch.setenv("LNLBENCH_PLUGINS", "lnlbench-aa")
    with pytest.raises(UsageError, match=r"LNLBENCH_PLUGINS.*Did you mean 'lnlbench-a'"):
        load_plugins()


def test_an_unknown_method_names_the_plugins_that_failed(site):
    install(site, "lnlbench-a", "raise RuntimeError('needs a newer driver')")
    plugins = load_plugins()
    with pytest.raises(UsageError) as caught:
        plugins.method("builtin-methods")
    message = str(caught.value)
    assert "Unknown method 'builtin-methods'. Did you mean 'builtin-method'?" in message
    assert "lnlbench-a 1.0 (plugin): " in message
    assert "needs a newer driver" in message
    assert "`lnlbench plugins` shows more" in message


def test_strict_raises_with_every_failure(site):
    install(site, "lnlbench-a", "raise RuntimeError('one')")
    install(site, "lnlbench-b", "raise RuntimeError('two')")
    with pytest.raises(LnlbenchError) as caught:
        load_plugins(strict=True)
    assert "lnlbench-a 1.0 (plugin): " in str(caught.value)
    assert "RuntimeError: two" in str(caught.value)


def test_printable_escapes_what_a_terminal_would_obey():
    assert printable("a\x1b[2Jb\x07\u202ec\ud800\n  d") == r"a\x1b[2Jb\x07\u202ec\ud800 d"
    assert printable("naïve – 日本") == "naïve – 日本"


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


def test_a_slow_import_is_named_with_the_way_out(site, monkeypatch, capsys):
    monkeypatch.setattr("lnlbench.plugins.importing.SLOW_SECONDS", 0.05)
    install(site, "lnlbench-a", "import time\ntime.sleep(0.4)\n" + good_source("late"))
    assert "late" in load_plugins().methods
    said = capsys.readouterr().err
    assert "Still importing the plugin lnlbench-a 1.0 (plugin)." in said
    assert "LNLBENCH_PLUGINS=none" in said


def test_help_imports_no_plugin(site):
    """Not even one that hangs, and neither does asking for the version."""
    install(site, "lnlbench-hangs", "while True:\n    pass\n")
    path = os.pathsep.join([str(site), str(Path(lnlbench.__file__).parents[1])])
    for arguments in (["--help"], ["--version"], ["plugins", "--help"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "lnlbench", *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not imported & {"torch", "numpy", "lnlbench_hangs_module"}


def test_escape_codes_of_an_entry_point_never_reach_the_terminal(site):
    install(site, "lnlbench-a", good_source("first"), entry_point="\x1b[31mred")
    origin = load_plugins().origins["first"]
    assert str(origin) == r"lnlbench-a 1.0 (\x1b[31mred)"
