"""Give commands their options in groups: one parameter of a command is a dataclass of options."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer needs it: the fields of each dataclass replace the dataclass parameter.

    Typer reads the options of a command from its signature. This function makes the
    dataclasses from the given values, and calls the command with them.
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {
        each.name: each.annotation for each in parameters if is_dataclass(each.annotation)
    }
    options: list[inspect.Parameter] = []
    for each in parameters:
        if each.name in groups:
            options += inspect.signature(groups[each.name], eval_str=True).parameters.values()
        else:
            options.append(each)

    def run(**given: Any) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **given)

    # Keywords only, because an option without a default may follow one with a default.
    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in options]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {each.name: each.annotation for each in options}
    run.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    return run
