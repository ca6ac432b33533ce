"""How runs are executed, as far as that is no part of a spec."""

from dataclasses import dataclass, field

import pluggy
import torch

from lnlbench.networks.weights import WeightSources

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class RunOptions:
    """Where and how runs are executed: what passes through from the command to each run.

    `weights` says where pretrained weights come from, `compiled` asks for networks run through
    torch.compile, `samples` for samples.parquet. `overwrite` starts a run anew where it would be
    resumed or is done. `observers` holds the plugins that are told what happens.
    """

    device: torch.device = _CPU
    weights: WeightSources = field(default_factory=WeightSources)
    compiled: bool = False
    samples: bool = False
    overwrite: bool = False
    observers: pluggy.PluginManager | None = None
