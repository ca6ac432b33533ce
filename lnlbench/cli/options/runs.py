"""Options that choose runs: methods, tracks, recipes, parameters and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.errors import UsageError
from lnlbench.spec.axes import parse_seeds, parse_values, split_names

if TYPE_CHECKING:
    from lnlbench.spec.grid import Grid

SweepFile = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="A sweep file (TOML) that names the runs."),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help="Methods, as a,b,c, or all; `lnlbench methods` lists the methods.",
        autocompletion=names.methods,
    ),
]
Tracks = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        help="Tracks, as a,b,c; `lnlbench tracks` lists the tracks. FILE.toml is one of your own.",
        autocompletion=names.tracks,
    ),
]
Track = Annotated[
    str | None,
    typer.Option(
        help="Track that sets the protocol; `lnlbench tracks` lists the tracks. FILE.toml is one "
        "of your own.",
        autocompletion=names.tracks,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(help="Seeds of the runs: N means 0..N-1; or a range 0-4, or a list 0,2,7."),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        help="Recipe of the method, such as native; default: matched.",
        autocompletion=names.recipes,
    ),
]
RecipeFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--recipe-file",
        help="Tuned recipe, which also names the method and the track: a file of `lnlbench tune`, "
        "or a result of such a recipe.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Parameter of the method, key=value; key=value,value,… runs each value.",
        autocompletion=names.parameters,
    ),
]
DataSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set-data",
        help="Setting of a plugin's data set, key=value; `lnlbench sweep` "
        "and `lnlbench plan` run each of key=value,value,…",
    ),
]

RECIPE_FILE_SAYS = (
    "--recipe-file already names the method, the recipe and the track: leave out "
    "--method, --track and --recipe."
)


@dataclass(frozen=True)
class RunsOptions:
    """The options that choose the runs, apart from the protocol."""

    method: Methods = None
    track: Tracks = None
    recipe: Recipe = None
    recipe_file: RecipeFiles = None
    set_: Settings = None
    set_data: DataSettings = None
    seeds: Seeds = None

    @property
    def say_which(self) -> bool:
        """Whether the user chose runs by options; --set-data alone may only say where data lie."""
        return any(value for name, value in vars(self).items() if name != "set_data")

    def data_settings(self) -> dict[str, Any]:
        """The settings of one data set.

        Raises:
            UsageError: --set-data cannot be read, or gives several values for a setting.
        """
        axes = parse_values("--set-data", self.set_data or [])
        for name, values in axes.items():
            if len(values) > 1:
                raise UsageError(
                    f"--set-data gives {name!r} {len(values)} values, and 'lnlbench run' takes one "
                    f"data set. Name one, run 'lnlbench sweep', or quote a value that has a comma: "
                    f"""--set-data '{name}="a,b"'."""
                )
        return {name: value for name, [value] in axes.items()}

    def grid(
        self, protocol: ProtocolOptions, seeds: Sequence[int], default_track: str | None = None
    ) -> "Grid":
        """The grid of the chosen runs.

        Raises:
            UsageError: the options contradict each other, cannot be read, or name too little.
        """
        from lnlbench.spec.grid import Grid
        from lnlbench.spec.run_spec import MATCHED
        from lnlbench.tracks import is_track_file

        methods = split_names(self.method or [])
        tracks = split_names(self.track or [])
        files = self.recipe_file or []
        named = [track for track in tracks if not is_track_file(track)]
        if files and (methods or named or self.recipe):
            raise UsageError(RECIPE_FILE_SAYS)
        if not files and default_track is not None:
            tracks = tracks or [default_track]
        if not files and not (methods and tracks):
            raise UsageError(
                "Name methods and tracks, such as --method ce,dividemix --track digits, or give "
                "a sweep file. 'lnlbench methods' and 'lnlbench tracks' list them."
            )
        grid = Grid(
            method=methods,
            track=tracks,
            seeds=list(seeds),
            recipe=self.recipe or MATCHED,
            recipe_file=files,
            override=protocol.axes(),
            set=parse_values("--set", self.set_ or []),
            set_data=parse_values("--set-data", self.set_data or []),
        )
        grid.check()
        return grid


def grids(file: Path | None, runs: RunsOptions, protocol: ProtocolOptions) -> "list[Grid]":
    """The grids of a sweep file, or, without one, the grid of the options.

    Raises:
        UsageError: both are given, or the file or an option cannot be read.
    """
    if file is None:
        return [runs.grid(protocol, [0] if runs.seeds is None else parse_seeds(runs.seeds))]
    from lnlbench.spec.grid import read_sweep_file

    if runs.say_which or runs.set_data or protocol.given:
        raise UsageError(
            f"The sweep file {file} says which runs are meant: give it without --method, --track, "
            "--seeds, --recipe, --recipe-file, --set, --set-data, --override and options such as "
            "--epochs."
        )
    found = read_sweep_file(file)
    for grid in found:
        grid.check()
    return found
