"""Finding plugins: their order, their distributions and versions, and which are left out."""

import sys

import pytest
from listed_plugins import loaded, the_reason
from plugin_zoo import good_source, install, write_dist_info

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.plugins import Origin, load_plugins
from lnlbench.plugins.checks import check_requirements
from lnlbench.plugins.refusal import PluginRefused
from lnlbench.system.text import printable


def test_hook_register_methods(site):
    install(site, "lnlbench-a", good_source("first", "second"), entry_point="a", version="2.5")
    plugins = load_plugins()
    assert {"builtin-method", "first", "second"} <= set(plugins.methods)
    assert plugins.method("second").name == "second"
    assert plugins.origins["second"] == Origin("lnlbench-a", "2.5", "a")
    assert plugins.manager.has_plugin("lnlbench-a:a")
    assert plugins.errors == []


def test_the_real_builtin_methods_come_by_the_same_door(monkeypatch):
    monkeypatch.setenv("LNLBENCH_PLUGINS", "none")
    from lnlbench.methods import register_methods

    plugins = load_plugins(strict=True)
    assert list(plugins.methods.values()) == register_methods()
    assert plugins.methods
    assert {origin.distribution for origin in plugins.origins.values()} == {"lnlbench"}


def test_two_packages_with_the_same_entry_point_name_both_load(site):
    install(site, "lnlbench-a", good_source("first"), entry_point="same")
    install(site, "lnlbench-b", good_source("second"), entry_point="same")
    plugins = load_plugins()
    assert plugins.origins["first"].distribution == "lnlbench-a"
    assert plugins.origins["second"].distribution == "lnlbench-b"


def test_a_module_under_two_entry_points_is_loaded_once(site):
    module = install(site, "lnlbench-a", good_source("first"))
    write_dist_info(site, "lnlbench-b", f"[lnlbench]\nagain = {module}\n")
    plugins = load_plugins()
    assert plugins.origins["first"].distribution == "lnlbench-a"
    assert the_reason(plugins, "lnlbench-b").endswith("is already loaded as lnlbench-a:plugin")


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


def test_printable_escapes_what_a_terminal_would_obey():
    assert printable("a\x1b[2Jb\x07\u202ec\ud800\n  d") == r"a\x1b[2Jb\x07\u202ec\ud800 d"
    assert printable("naïve – 日本") == "naïve – 日本"


def test_escape_codes_of_an_entry_point_never_reach_the_terminal(site):
    install(site, "lnlbench-a", good_source("first"), entry_point="\x1b[31mred")
    origin = load_plugins().origins["first"]
    assert str(origin) == r"lnlbench-a 1.0 (\x1b[31mred)"
