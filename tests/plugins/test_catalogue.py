"""What plugins declare, kept on disk: the same specs without torch, and never what has changed."""

import json
import subprocess
import sys
from itertools import product

import pytest
from cli import environment
from plugin_zoo import SHADES, good_source, install, method_source
from registry import PLUGINS

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.interface.described import describe_params
from lnlbench.interface.params import Params, validate_params
from lnlbench.interface.portable import NotPortable, read_params, write_params
from lnlbench.plugins import known_plugins, load_plugins
from lnlbench.plugins.describe import method_details
from lnlbench.plugins.kept import KeptDeclarations, declarations
from lnlbench.plugins.kept_catalogue import KeptPlugins
from lnlbench.spec.check import refusal
from lnlbench.spec.run_spec import build_spec
from lnlbench.tracks import load_track, track_names

TRACKS = [load_track(name) for name in track_names()]
PROBE = """
import json, sys
from lnlbench.plugins import known_plugins
from lnlbench.plugins.describe import method_details
from lnlbench.plugins.known import METHODS
known = known_plugins()
found = {name: [each["name"] for each in method_details(known, name)["parameters"]]
         for name in known.methods
         if known.origins[name].distribution not in {"lnlbench", *METHODS}}
print(json.dumps([found, "torch" in sys.modules]))
"""


def through_json(plugins):
    """The catalogue that a later process reads."""
    text = declarations(plugins).model_dump_json()
    return KeptPlugins(KeptDeclarations.model_validate_json(text), [])


@pytest.fixture(scope="module")
def kept():
    return through_json(PLUGINS)


def recipes_of(method):
    return ["matched", *sorted({name.partition("@")[0] for name in method.recipes})]


@pytest.mark.parametrize("name", sorted(PLUGINS.methods))
def test_specs_are_the_same_with_and_without_the_methods_code(name, kept):
    method, declared = PLUGINS.method(name), kept.method(name)
    for track, recipe in product(TRACKS, recipes_of(method)):
        spec = build_spec(method, track, recipe)
        assert build_spec(declared, track, recipe).fingerprint == spec.fingerprint
        assert refusal(kept, spec) == refusal(PLUGINS, spec)
    assert method_details(kept, name) == method_details(PLUGINS, name)


@pytest.mark.parametrize("name", sorted(PLUGINS.methods))
def test_parameters_are_refused_alike(name, kept):
    method, declared = PLUGINS.method(name), kept.method(name)
    for field, value in product(["none_such", *method.Params.model_fields], [-1, 2, "x", None, []]):
        answers = []
        for params in (method.Params, declared.Params):
            try:
                answers.append(validate_params(name, params, {field: value}).model_dump_json())
            except UsageError as error:
                answers.append(str(error))
        assert answers[0] == answers[1]


def test_no_builtin_method_is_imported_for_its_parameters():
    written = {name: write_params(method.Params) for name, method in PLUGINS.methods.items()}
    assert [name for name, document in written.items() if "fields" not in document] == []


class Validated(Params):
    low: int = 1

    def model_post_init(self, context):
        if self.low > 5:
            raise ValueError("too high")


def test_a_class_with_code_of_its_own_is_imported_for_it():
    assert read_params(write_params(Validated)) is Validated


def test_a_class_that_cannot_be_found_again_is_not_written():
    class Hidden(Params):
        pass

    with pytest.raises(NotPortable):
        write_params(Hidden)


VIEWS = """
class Params(lnlbench.Params):
    strong: bool = False
    rate: float = 0.5

def augmentations(self):
    return ("strong",) if self.params.strong else ("weak",)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))


def test_other_parameters_do_not_change_which_views_are_asked_for(site, monkeypatch):
    install(site, "lnlbench-a", method_source('name = "seen"\nreference = "-"' + VIEWS))
    plugins = load_plugins()
    assert plugins.errors == []
    kept = through_json(plugins)
    params = kept.method("seen").Params
    monkeypatch.setattr(kept, "load", lambda: pytest.fail("the views are kept"))
    assert kept.augmentations("seen", params(rate=0.7)) == ("weak",)
    monkeypatch.setattr(kept, "load", lambda: plugins)
    assert kept.augmentations("seen", params(strong=True)) == ("strong",)


@pytest.mark.usefixtures("core_alone")
def test_a_data_set_is_read_by_its_own_code(site, tmp_path):
    install(site, "lnlbench-shades", SHADES)
    plugins = load_plugins()
    kept = through_json(plugins)
    assert list(kept.datasets) == ["shades"]
    source, own = kept.datasets["shades"], plugins.datasets["shades"]
    assert describe_params(source.params) == describe_params(own.params)
    (tmp_path / "offset.txt").write_text("3")
    settings = {"root": tmp_path, "size": 9}
    found, expected = (each.load(each.params(**settings)) for each in (source, own))
    assert found.train_images.equal(expected.train_images)


def test_what_has_changed_since_the_import_is_not_kept(site, tmp_path, monkeypatch):
    install(site, "lnlbench-a", good_source("first"))  # later than this process imported lnlbench
    known_plugins()
    assert not (tmp_path / "cache" / "plugins").exists()
    monkeypatch.setattr(lnlbench, "IMPORTED_NS", 2**63)
    known_plugins()
    [file] = (tmp_path / "cache" / "plugins").iterdir()
    assert isinstance(known_plugins(), KeptPlugins)
    for damage in (
        b"",
        b"{}",
        file.read_bytes()[:-1],
        file.read_bytes().replace(b"first", b"other"),
    ):
        file.write_bytes(damage)
        assert "first" in known_plugins().methods
    assert isinstance(known_plugins(), KeptPlugins)


def test_a_plugin_that_fails_is_tried_again(site, tmp_path, monkeypatch):
    monkeypatch.setattr(lnlbench, "IMPORTED_NS", 2**63)
    install(site, "lnlbench-a", "raise OSError('away just now')")
    assert len(known_plugins().errors) == 1
    assert not (tmp_path / "cache" / "plugins").exists()


def test_a_cache_that_cannot_be_written_is_not_used(site, tmp_path, monkeypatch):
    monkeypatch.setattr(lnlbench, "IMPORTED_NS", 2**63)
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert "builtin-method" in known_plugins().methods


def test_edited_installed_and_removed_plugins_are_noticed(site, tmp_path):
    def probe():
        given = environment(PYTHONPATH=str(site), LNLBENCH_CACHE_DIR=str(tmp_path / "cache"))
        done = subprocess.run([sys.executable, "-c", PROBE], env=given, capture_output=True)
        return tuple(json.loads(done.stdout))

    source = (
        'name = "edited"\nreference = "-"\nclass Params(lnlbench.Params):\n    first: int = 1\n'
    )
    module = install(site, "lnlbench-a", method_source(source))
    assert probe() == ({"edited": ["first"]}, True)
    assert probe() == ({"edited": ["first"]}, False)
    (site / f"{module}.py").write_text(method_source(source.replace("first", "other")))
    assert probe() == ({"edited": ["other"]}, True)
    assert probe() == ({"edited": ["other"]}, False)
    install(site, "lnlbench-b", good_source("second"))
    assert probe() == ({"edited": ["other"], "second": []}, True)
    for file in site.glob("lnlbench_b*/*"):
        file.unlink()
    [folder] = site.glob("lnlbench_b*.dist-info")
    folder.rmdir()
    assert probe() == ({"edited": ["other"]}, True)


def test_equal_processes_keep_equal_bytes(tmp_path):
    def kept_bytes(hash_seed):
        cache = tmp_path / hash_seed
        given = environment(PYTHONHASHSEED=hash_seed, LNLBENCH_CACHE_DIR=str(cache))
        subprocess.run([sys.executable, "-c", PROBE], env=given, check=True, capture_output=True)
        [file] = (cache / "plugins").iterdir()
        return file.read_bytes()

    assert kept_bytes("1") == kept_bytes("2")


@pytest.mark.parametrize("place", ["os:system", "builtins:eval", "subprocess:Popen", "typing:cast"])
def test_a_document_cannot_name_a_function_or_another_package(place):
    text = json.dumps(write_params(PLUGINS.method("elr").Params))
    document = json.loads(text.replace("builtins:float", place))
    assert place in json.dumps(document)
    with pytest.raises(NotPortable):
        read_params(document)
