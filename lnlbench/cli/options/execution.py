"""Options that say how and where a run executes, and what it writes and shows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.spec.axes import split_names

Device = Annotated[
    str, typer.Option(help="Device on which networks run: auto, cpu, cuda or cuda:N.")
]
DataDirectory = Annotated[
    Path | None,
    typer.Option(envvar="LNLBENCH_DATA_DIR", help="Folder that holds the files of the data sets."),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="File of a network's pretrained weights, .safetensors or .pth."),
]
Output = Annotated[
    Path, typer.Option(help="Folder in which lnlbench writes results and looks for them.")
]
Samples = Annotated[
    bool,
    typer.Option(
        "--samples", help="Write samples.parquet for each run, with a row for each sample."
    ),
]
Log = Annotated[
    list[str] | None,
    typer.Option(
        help="Loggers that also write to the run's directory: csv, mlflow, tensorboard, wandb."
    ),
]
Compiled = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Compile the networks: training starts later and then runs faster. By default, a run "
        "on a GPU compiles them if a short trial at its start shows that this saves time.",
        rich_help_panel="Compilation",  # a negative form would narrow the other names
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress, only how each run ended.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonBesideProgress = Annotated[
    bool, typer.Option("--json", help="Print one JSON object; progress goes to standard error.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and execute nothing.")]


@dataclass(frozen=True)
class ExecutionOptions:
    """The options that say how to execute runs, on any machine."""

    device: Device = "auto"
    data_dir: DataDirectory = None
    weights: Weights = None
    output: Output = Path()
    samples: Samples = False
    log: Log = None
    compiled: Compiled = None

    def absolute(self) -> "ExecutionOptions":
        """The same options with absolute paths, for processes with another working directory."""
        return replace(
            self,
            output=self.output.absolute(),
            data_dir=None if self.data_dir is None else self.data_dir.absolute(),
            weights=None if self.weights is None else self.weights.absolute(),
        )

    def arguments(self) -> tuple[str, ...]:
        """The same options for the command line of another `lnlbench run`, --output left out.

        Raises:
            UsageError: `samples` or `log` need an unknown logger, or a package that is missing.
        """
        options = [] if self.device == "auto" else ["--device", self.device]
        options += [] if self.data_dir is None else ["--data-dir", str(self.data_dir)]
        options += [] if self.weights is None else ["--weights", str(self.weights)]
        if self.compiled is not None:
            options.append("--compile" if self.compiled else "--no-compile")
        if self.samples:
            from lnlbench.runner.samples import require_pyarrow

            require_pyarrow()
            options.append("--samples")
        if self.log:
            from lnlbench.loggers import make_logger

            for name in split_names(self.log):
                make_logger(name)
                options += ["--log", name]
        return tuple(options)
