"""The digits track cut short, and results without what may differ between two runs."""

from pathlib import Path

from lnlbench.data import load_dataset
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec


def quick_params(method) -> dict:
    """What a method that learns something before its network needs to be as quick as the others."""
    quick = {"mentor_steps": 40}
    return {key: value for key, value in quick.items() if key in method.Params.model_fields}


def short_spec(method, seed: int = 0, **overrides):
    settings = {"epochs": 3, "limit_train": 200, "limit_test": 100, **overrides}
    return build_spec(method, "digits", overrides=settings, seed=seed)


def run_short(name: str, folder: Path, seed: int = 0, params=None, **overrides):
    """Execute a method on a cut-down digits track; returns its result."""
    plugins = load_plugins(strict=True)
    method = plugins.method(name)
    settings = {"epochs": 3, "limit_train": 200, "limit_test": 100, **overrides}
    params = {**quick_params(method), **(params or {})}
    spec = build_spec(method, "digits", overrides=settings, params=params, seed=seed)
    directory = RunDirectory.of_spec(folder, spec)
    dataset = load_dataset("digits")
    return execute(
        spec, method, plugins.origins[name], dataset, directory, QuietDisplay(), RunOptions()
    )


def comparable(result) -> dict:
    """A result without what may differ between two runs of one spec: time, memory, git's state."""
    document = result.model_dump(mode="json")
    document["environment"] = {
        key: value for key, value in document["environment"].items() if not key.startswith("git")
    }
    document.pop("created")
    document.pop("cost")
    return document
