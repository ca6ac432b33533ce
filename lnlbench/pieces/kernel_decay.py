"""Weight decay as a term of the loss, on the kernels of convolutions and dense layers alone.

Source: github.com/google/mentornet at 76d6be2, code/resnet_model.py and cifar_train_mentornet.py.
Their optimizer decays nothing; the term is multiplied by the mean weight of the batch.
"""

import torch
from torch import Tensor, nn

WITH_KERNELS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def take_decay(optimizer: torch.optim.Optimizer) -> float:
    """The weight decay of all groups of an optimizer, which decays nothing from now on."""
    (decay,) = {float(group["weight_decay"]) for group in optimizer.param_groups}
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    return decay


def half_squares(network: nn.Module) -> Tensor:
    """Σ ½‖w‖² over the kernels of a network, a scalar; biases and normalizations do not count."""
    kernels = [each.weight for each in network.modules() if isinstance(each, WITH_KERNELS)]
    return torch.stack([kernel.square().sum() for kernel in kernels]).sum() / 2
