"""The learning-rate schedule: the share of the initial rate that each epoch trains with."""

import math

from lnlbench.tracks.protocol import Protocol


def learning_rate_factor(protocol: Protocol, epoch: float) -> float:
    """What the initial learning rate is multiplied by in `epoch` (from 0).

    The rate falls along half a cosine to `cosine_to` of itself, or is multiplied by `gamma` at
    each milestone.
    """
    if protocol.cosine_to is not None:
        fallen = (1 - math.cos(math.pi * epoch / protocol.epochs)) / 2
        return 1 - (1 - protocol.cosine_to) * fallen
    passed = sum(epoch >= round(share * protocol.epochs) for share in protocol.milestones)
    return protocol.gamma**passed
