"""State that has gone through a checkpoint file."""

from types import SimpleNamespace

import torch

from lnlbench.runner.checkpoint import capture, load_checkpoint, restore, save_checkpoint

CPU = torch.device("cpu")


def through_file(folder, owner):
    """What a checkpoint file gives back of an object's state."""
    path = folder / "checkpoint"
    save_checkpoint(path, {"method": capture(owner)})
    return load_checkpoint(path, CPU)["method"]


def restored(folder, saved, made=None):
    """`saved`, through a file, into `made`: an object as `fit` leaves it before the first epoch."""
    owner = SimpleNamespace() if made is None else made
    restore(owner, through_file(folder, saved))
    return owner
