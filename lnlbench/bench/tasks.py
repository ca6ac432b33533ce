"""The epochs to time, and which of them take turns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lnlbench.bench.compare import Task
from lnlbench.bench.epoch_timer import Setting
from lnlbench.errors import UsageError
from lnlbench.plugins import Plugins
from lnlbench.spec.grid import ALL
from lnlbench.spec.run_spec import build_spec
from lnlbench.tracks import Track


@dataclass(frozen=True)
class Choice:
    """The user's choice; without methods, it means all methods that can train on random images."""

    methods: tuple[str, ...]
    track: Track
    changes: Mapping[str, Any]
    labeled_share: float | None = None
    compare: str | None = None
    in_turns: bool = False


def task_groups(
    plugins: Plugins, choice: Choice, setting: Setting, device: str
) -> list[list[Task]]:
    """The tasks, in groups whose epochs take turns.

    Raises:
        UsageError: a name is unknown, or what was chosen cannot be timed on random images.
    """
    groups = []
    for name in _methods(plugins, choice):
        method = plugins.method(name)
        # A short warm-up, so that bench times the method and not its warm-up.
        params = dict(method.quick_params)
        spec = build_spec(method, choice.track, overrides=dict(choice.changes), params=params)
        if spec.protocol.pretrained is not None:
            raise UsageError(
                f"Track {choice.track.name!r} starts from pretrained weights, and bench times "
                "networks that start from random ones. Choose another track, such as "
                "cifar100n-scratch."
            )
        share = choice.labeled_share
        named = name in choice.methods
        task = Task(
            *(name, spec.params, spec.protocol, setting, device),
            labeled_share=share,
            required=named,
        )
        groups.append([task] if choice.compare is None else compared(task, choice.compare))
    return [[task for group in groups for task in group]] if choice.in_turns else groups


def compared(task: Task, settings: str) -> list[Task]:
    """The task once for each setting of `--compare`, such as fp32 or bf16+compile.

    Raises:
        UsageError: there is no such setting.
    """
    tasks = []
    for option in dict.fromkeys(part.strip() for part in settings.split(",")):
        words = option.split("+")
        precisions = [word for word in words if word in ("fp32", "bf16")]
        if not set(words) <= {"fp32", "bf16", "compile"} or len(precisions) > 1:
            raise UsageError(
                f"--compare was given {option!r}. A setting is fp32, bf16, compile, fp32+compile "
                "or bf16+compile. Give several settings as fp32,bf16,compile."
            )
        changes = {"precision": precisions[0]} if precisions else {}
        protocol = task.protocol.model_copy(update=changes)
        setting = replace(task.setting, compiled=task.setting.compiled or "compile" in words)
        tasks.append(replace(task, protocol=protocol, setting=setting, option=option))
    return tasks


def _methods(plugins: Plugins, choice: Choice) -> list[str]:
    if not choice.methods or ALL in choice.methods:
        return [name for name in sorted(plugins.methods) if not plugins.method(name).oracle]
    for name in choice.methods:
        oracle = plugins.method(name).oracle
        if oracle:
            raise UsageError(
                f"Method {name!r} asks for {', '.join(sorted(oracle))}: random images "
                "have no clean labels and no noise rate. Time it with 'lnlbench run'."
            )
    return list(choice.methods)
