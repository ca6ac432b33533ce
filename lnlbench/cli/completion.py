"""`lnlbench completion SHELL`: the script that lets a shell complete lnlbench's command lines."""

import os
from typing import Annotated, Literal

import typer

# Typer reads these variables; its answer to fish, one "value<TAB>help" a line, suits every shell.
VARIABLE = "_LNLBENCH_COMPLETE"
_ASK = f"env {VARIABLE}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="

SCRIPTS = {
    "bash": f"""\
_lnlbench_completion() {{
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${{line%%$'\\t'*}}")
    done < <({_ASK}"${{COMP_LINE:0:COMP_POINT}}" "$1" 2>/dev/null)
    # A value follows NAME=, so no space does.
    [[ ${{#COMPREPLY[@]}} -ne 1 || ${{COMPREPLY[0]}} != *= ]] || compopt -o nospace
}}
complete -o default -F _lnlbench_completion lnlbench
""",
    "zsh": f"""\
#compdef lnlbench
_lnlbench_completion() {{
    local -a answers
    answers=("${{(@f)$({_ASK}"${{(j: :)words[1,CURRENT]}}" "${{words[1]}}" 2>/dev/null)}}")
    answers=("${{(@)answers%%$'\\t'*}}")
    answers=("${{(@)answers:#}}")
    (( ${{#answers}} )) || {{ _files; return }}
    # A value follows NAME=, so no space does.
    compadd -S '' -- "${{(@M)answers:#*=}}"
    compadd -- "${{(@)answers:#*=}}"
}}
compdef _lnlbench_completion lnlbench
""",
    "fish": f"""\
complete --command lnlbench --arguments "({_ASK}(commandline -cp) lnlbench 2>/dev/null)"
""",
}


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell.")],
) -> None:
    """Print the script that completes commands, options, names and run folders in a shell.

    In ~/.bashrc: eval "$(lnlbench completion bash)"

    In ~/.zshrc, below compinit: eval "$(lnlbench completion zsh)"

    In ~/.config/fish/config.fish: lnlbench completion fish | source
    """
    typer.echo(SCRIPTS[shell], nl=False)


def answer_shells() -> None:
    """Let typer answer if a shell asks for completions."""
    if VARIABLE in os.environ:
        # Typer does this itself for programs with --install-completion, which we leave out.
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
