"""How to execute runs: the options that are not part of a spec."""

from dataclasses import dataclass, field

import pluggy
import torch

from lnlbench.networks.weight_sources import WeightSources
from lnlbench.results import ResultStore

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class RunOptions:
    """Where and how to execute runs: the options that a command passes to each run.

    `weights` says where pretrained weights come from. `compiled` says whether networks run through
    torch.compile; None leaves it to `lnlbench.runner.compilation`. `samples` asks for
    samples.parquet. `overwrite` starts a run anew, even if it could be resumed or is done.
    `observers` holds the plugins that observe the run, and `earlier` the results whose costs say
    how long the run will take. `arguments` are these options on the command line, for the command
    that resumes the run.
    """

    device: torch.device = _CPU
    weights: WeightSources = field(default_factory=WeightSources)
    compiled: bool | None = None
    samples: bool = False
    overwrite: bool = False
    observers: pluggy.PluginManager | None = None
    earlier: ResultStore | None = None
    arguments: tuple[str, ...] = ()
