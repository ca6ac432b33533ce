"""Groups of commands that list something when they are called alone, such as `lnlbench tracks`."""

import typer

from lnlbench.errors import UsageError


def asks_for_list(context: typer.Context) -> bool:
    """Whether a group was called alone, and not with one of its commands.

    Raises:
        UsageError: an option of the list stands before a command, which would not see it.
    """
    command = context.invoked_subcommand
    if command is None:
        return True
    for option in context.command.params:
        if context.params.get(str(option.name)):
            name = option.opts[0]
            raise UsageError(
                f"{name} stands before {command!r}, and there it belongs to the list of "
                f"'{context.command_path}'. Give the options of {command!r} after it; "
                f"'{context.command_path} {command} --help' lists them."
            )
    return False
