"""Gradients that are cut down to a length before each step of an optimizer."""

import torch
from torch import nn


def clip_gradients(optimizer: torch.optim.Optimizer, longest: float) -> None:
    """From now on, scale the gradients of every step down to the length `longest`, if longer."""

    def clip(stepping: torch.optim.Optimizer, *_: object) -> None:
        weights = [weight for group in stepping.param_groups for weight in group["params"]]
        nn.utils.clip_grad_norm_(weights, longest)

    # A run computes the gradients and steps in one call: this comes in between.
    optimizer.register_step_pre_hook(clip)
