"""The options of `lnlbench plan` and `lnlbench sweep` that say which runs are meant."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.errors import UsageError
from lnlbench.spec.axes import parse_seeds, parse_values, split_names

if TYPE_CHECKING:
    from lnlbench.plugins import Plugins
    from lnlbench.spec.grid_data import SweepData
    from lnlbench.spec.run_spec import RunSpec

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A sweep file (TOML), instead of flags.")
]
Methods = Annotated[list[str] | None, typer.Option("--method", help="Methods, as a,b,c; or all.")]
Tracks = Annotated[list[str] | None, typer.Option("--track", help="Tracks, as a,b,c.")]
Seeds = Annotated[
    str | None, typer.Option(help="A number N for 0..N-1, or 0-4, or 0,2,7; default 0 alone.")
]
Recipe = Annotated[str | None, typer.Option(help="The methods' named setting; default matched.")]
RecipeFiles = Annotated[
    list[Path] | None,
    typer.Option("--recipe-file", help="A tuned recipe, instead of method and track."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A method parameter, key=value,value,…")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--override", help="A field of the track, key=value,…, such as optimizer.lr=0.1."),
]
DataSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set-data", help="A setting of the data set that --override dataset= names, key=value,…"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
DataDirectory = Annotated[
    Path | None, typer.Option(envvar="LNLBENCH_DATA_DIR", help="Folder with the data files.")
]
Weights = Annotated[
    Path | None, typer.Option(help="Pretrained weights: a .safetensors or .pth file.")
]
Output = Annotated[Path, typer.Option(help="Folder that has runs/ and leaderboards/.")]
Samples = Annotated[
    bool, typer.Option("--samples", help="Also write each run's samples.parquet: a row per sample.")
]
Log = Annotated[
    list[str] | None, typer.Option(help="Also log to: tensorboard, in each run's directory.")
]
RECIPE_FILE_SAYS = (
    "--recipe-file says which method and recipe are run on which track: leave out "
    "--method, --track and --recipe."
)


@dataclass(frozen=True)
class GridOptions:
    """What was given of the options that say which runs are meant."""

    file: Path | None
    methods: list[str] | None
    tracks: list[str] | None
    seeds: str | None
    recipe: str | None
    recipe_files: list[Path] | None
    settings: list[str] | None
    overrides: list[str] | None
    data_settings: list[str] | None

    def specs(self, plugins: "Plugins", weights: Path | None, data: "SweepData") -> "list[RunSpec]":
        """The specs that are meant; UsageError when the options do not say."""
        from lnlbench.spec.grid import Grid, expand, read_sweep_file
        from lnlbench.spec.run_spec import MATCHED

        flags = (
            *(self.methods, self.tracks, self.seeds, self.recipe, self.recipe_files),
            *(self.settings, self.overrides, self.data_settings),
        )
        if self.file is not None:
            if any(flags):
                raise UsageError(
                    f"The sweep file {self.file} says which runs are meant: give it without "
                    "--method, --track, --seeds, --recipe, --recipe-file, --set, --override and "
                    "--set-data."
                )
            return expand(read_sweep_file(self.file), plugins, weights, data)
        methods, tracks = split_names(self.methods or []), split_names(self.tracks or [])
        files = self.recipe_files or []
        if files and (methods or tracks or self.recipe):
            raise UsageError(RECIPE_FILE_SAYS)
        if not files and not (methods and tracks):
            raise UsageError(
                "Name methods and tracks, such as --method ce,dividemix --track digits, or give "
                "a sweep file. 'lnlbench methods' and 'lnlbench tracks' list them."
            )
        grid = Grid(
            method=methods,
            track=tracks,
            seeds=[0] if self.seeds is None else parse_seeds(self.seeds),
            recipe=self.recipe or MATCHED,
            recipe_file=files,
            set=parse_values("--set", self.settings or []),
            override=parse_values("--override", self.overrides or []),
            set_data=parse_values("--set-data", self.data_settings or []),
        )
        return expand([grid], plugins, weights, data)


def run_options(
    device: str,
    data_dir: Path | None,
    weights: Path | None,
    samples: bool = False,
    log: list[str] | None = None,
) -> tuple[str, ...]:
    """What `lnlbench run` is to be told besides the run itself.

    Raises:
        UsageError: what `samples` or `log` ask for is unknown, or not installed.
    """
    options = [] if device == "auto" else ["--device", device]
    options += [] if data_dir is None else ["--data-dir", str(data_dir)]
    options += [] if weights is None else ["--weights", str(weights)]
    if samples:
        from lnlbench.runner.samples import require_pyarrow

        require_pyarrow()
        options.append("--samples")
    if log:
        from lnlbench.loggers import make_logger

        for name in split_names(log):
            make_logger(name)
            options += ["--log", name]
    return tuple(options)


def absolute(
    output: Path, data_dir: Path | None, weights: Path | None
) -> tuple[Path, Path | None, Path | None]:
    """These paths for processes of other working directories."""
    return (
        output.absolute(),
        None if data_dir is None else data_dir.absolute(),
        None if weights is None else weights.absolute(),
    )
