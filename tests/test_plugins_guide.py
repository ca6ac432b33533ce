"""The plugin guide: every hook is in it and tested, and its example is a plugin that works."""

import inspect
import re
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from plugin_zoo import write_dist_info

from lnlbench import hookspecs
from lnlbench.params import validate_params
from lnlbench.plugins import load_plugins
from lnlbench.run import Batch

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
HOOKS = [hook for _, hook in inspect.getmembers(hookspecs, inspect.isfunction)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)


def test_there_are_hooks():
    assert hookspecs.register_methods in HOOKS


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_hooks_are_documented_under_their_exact_signature(hook):
    signature = inspect.signature(hook)
    heading = f"### {hook.__name__}({', '.join(map(str, signature.parameters.values()))})"
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


def test_every_python_block_of_the_guide_runs():
    for number, block in enumerate(blocks("python")):
        exec(compile(block, f"plugins/README.md, block {number}", "exec"), {"__name__": "guide"})
