"""Each way in which a plugin's hooks go wrong is that plugin's error alone, and named."""

import pytest
from listed_plugins import HOOKED, loaded, reasons, the_reason
from plugin_zoo import good_source, install, write_dist_info

from lnlbench.errors import LnlbenchError, UsageError
from lnlbench.plugins import load_plugins
from lnlbench.system.text import printable


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
