"""The plugin guide: every hook is in it and tested, and its example is a plugin that works."""

import inspect
import re
import shlex
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest
import torch
from cli import call
from plugin_zoo import install_package, on_path, run_its_tests, write_dist_info

import lnlbench
from lnlbench.interface.batch import Batch
from lnlbench.interface.params import validate_params
from lnlbench.plugins import hookspecs, load_plugins
from lnlbench.testing import check_dataset
from lnlbench.testing.behavior import check_runs
from lnlbench.testing.declarations import check_metadata, check_parameters
from lnlbench.testing.small_runs import make_run
from lnlbench.testing.trials import Trials

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "plugins" / f"{name}.md" for name in ("README", "methods", "checks", "hooks", "data")
]
GUIDE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
HOOKS = [hook for _, hook in inspect.getmembers(hookspecs, inspect.isfunction)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)


def test_there_are_hooks():
    assert hookspecs.register_methods in HOOKS


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_hooks_are_documented_under_their_exact_signature(hook):
    signature = inspect.signature(hook)
    heading = f"## {hook.__name__}({', '.join(map(str, signature.parameters.values()))})"
    assert f"{heading} -> {signature.return_annotation}" in GUIDE.splitlines()


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_hooks_have_one_line_of_documentation_and_a_test(hook):
    assert hook.__doc__ and "\n" not in hook.__doc__.strip()
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_plugins*.py"))
    assert f"def test_hook_{hook.__name__}(" in sources


@pytest.fixture
def trim(tmp_path, monkeypatch):
    """The guide's complete plugin, installed as the guide's pyproject.toml says."""
    project = tomllib.loads(blocks("toml")[0])["project"]
    [(entry_point, module)] = project["entry-points"]["lnlbench"].items()
    assert f"`{module}.py`" in GUIDE
    (tmp_path / f"{module}.py").write_text(blocks("python")[0], encoding="utf-8")
    write_dist_info(
        tmp_path,
        project["name"],
        f"[lnlbench]\n{entry_point} = {module}\n",
        version=project["version"],
        requires=tuple(project["dependencies"]),
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LNLBENCH_PLUGINS", project["name"])
    yield load_plugins(strict=True).method("trim")
    del sys.modules[module]


def test_the_complete_plugin_is_about_twenty_lines():
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_complete_plugin_loads_and_its_params_validate(trim):
    [setting] = re.findall(r"--method trim --set (\w+=\S+)", GUIDE)
    key, _, value = setting.partition("=")
    params = validate_params("trim", trim.Params, {key: value})
    assert params.model_dump() == {"keep": 0.8}


def test_the_complete_plugin_learns_the_samples_with_small_losses(trim):
    logits = torch.tensor([[4.0, 0.0], [0.0, 4.0], [3.0, 0.0], [0.0, 0.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 0, 0])  # the second sample has by far the largest loss
    batch = Batch(index=torch.arange(4), views=[logits], labels=labels)
    trim(trim.Params(keep=0.75)).loss(lambda images: images, batch, 0).backward()
    assert logits.grad is not None
    assert (logits.grad.abs().sum(1) > 0).tolist() == [True, False, True, True]


def test_the_complete_plugins_pyproject_is_about_ten_lines():
    lines = [line for line in blocks("toml")[0].splitlines() if line.strip()]
    assert len(lines) <= 10


def test_every_block_is_of_a_language_that_is_executed():
    fences = re.findall(r"^```(\w*)$", GUIDE, flags=re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences[::2]) == {"python", "toml", "sh"}
    assert set(fences[1::2]) == {""}
    assert len(blocks("toml")) == 1


def test_every_python_block_of_the_guide_runs():
    for number, block in enumerate(blocks("python")):
        names = {"__name__": "guide"}
        exec(compile(block, f"plugin guide, block {number}", "exec"), names)
        for source in names["register_datasets"]() if "register_datasets" in names else []:
            check_dataset(source)


def test_the_guides_method_with_two_heads_trains_both_and_predicts_with_one():
    [block] = [block for block in blocks("python") if "class TwoHeads" in block]
    names = {"__name__": "guide"}
    exec(compile(block, "plugin guide", "exec"), names)
    method = names["TwoHeads"](lnlbench.Params())
    run = make_run(max_epochs=1)
    weights, build = [], run.helper
    run.helper = lambda module: weights.append(module.weight.detach().clone()) or build(module)
    method.fit(run)
    assert method.trained_networks() == [method.network]
    assert not torch.equal(method.second.weight, weights[0])


def test_the_guides_own_test_checks_a_right_method(monkeypatch):
    checked = []
    monkeypatch.setattr("lnlbench.testing.check_method", checked.append)
    [block] = [block for block in blocks("python") if "check_method" in block]
    names = {"__name__": "guide"}
    exec(compile(block, "plugin guide", "exec"), names)
    names["test_it_passes_every_check"]()
    [method] = checked
    assert check_metadata(method).status == check_parameters(method).status == "passed"
    finding, trial = check_runs(Trials(method, {}))
    assert finding.status == "passed", finding
    assert "loss" in trial.result.curves


def test_the_promise_names_all_that_is_public():
    promise = GUIDE[GUIDE.index("the names that `import lnlbench` offers") :].partition(";")[0]
    named = set(re.findall(r"`(\w+)`", promise))
    assert named == set(lnlbench.__all__)


def test_the_guides_commands_work_in_a_clean_folder(tmp_path, monkeypatch):
    """What a new user types, from the first block to the last; an epoch stands for sixty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lnlbench.tracks.shipped.tomllib.loads", one_epoch(tomllib.loads))
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert any("leaderboard" in line for line in lines)
    said = ""
    try:
        for line in lines:
            said += type_in(line, tmp_path / "site", monkeypatch)
    finally:
        sys.modules.pop("lnlbench_trim", None)
    assert "trim" in said
    assert "12 passed, 1 skipped" in said  # of the check
    table = GUIDE[GUIDE.index("| check | what has to hold |") :].partition("\n\n")[0]
    made = re.findall(r"^  (?:ok|skipped) +(\w[\w ]*?)  ", said, flags=re.MULTILINE)
    assert re.findall(r"^\| `(\w[\w ]*)`", table, flags=re.MULTILINE) == made


def one_epoch(loads):
    def shortened(text):
        fields = loads(text)
        return {**fields, "epochs": 1} if "epochs" in fields else fields

    return shortened


def type_in(line, site, monkeypatch):
    """Do what a shell would do with one line of the guide; returns what was printed."""
    variables, words = {}, shlex.split(line)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    program, *arguments = words
    if program == "cd":
        monkeypatch.chdir(arguments[0])
        return ""
    if program == "pip":
        assert arguments == ["install", "-e", ".[test]"]
        for folder in reversed(install_package(Path.cwd(), site)):
            monkeypatch.syspath_prepend(folder)
        return ""
    if program == "pytest":
        installed = partial(on_path, [str(site), str(Path.cwd())])
        done = run_its_tests(Path.cwd(), installed, site.parent / "log")
        assert done.code == 0, done.out + done.err
        return done.out
    assert program == "lnlbench", line
    outcome = call(*arguments, **variables)
    assert outcome.code == 0, f"{line}: {outcome.out}{outcome.err}"
    return outcome.out
