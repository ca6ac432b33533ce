"""The views that cached features have; read without torch."""

from lnlbench.augment.policy_names import parse_policy
from lnlbench.errors import UsageError


def require_embedded(augment: str) -> None:
    """Make sure that cached features have views of this augmentation.

    Raises:
        UsageError: cached features lack these views, or no augmentation has this name.
    """
    if parse_policy(augment) is None:
        return
    raise UsageError(
        f"On a track of embeddings there are no {augment!r} views: features are computed once, "
        "from weakly augmented images. Available: weak, none. Strong views need a track of "
        "images ('lnlbench tracks')."
    )
