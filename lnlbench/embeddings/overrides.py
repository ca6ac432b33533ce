"""From the flags of a frozen backbone to the fields of a protocol that they override."""

from typing import Any

from lnlbench.errors import UsageError
from lnlbench.networks.weights import WeightSources, find_weights
from lnlbench.tracks import DEFAULT_TRACK, load_track


def embedding_overrides(
    track: str | None,
    backbone: str | None,
    frozen: bool,
    head: str | None,
    image_size: int | None,
    sources: WeightSources,
) -> dict[str, Any]:
    """What the flags change of the track's `embedding`; empty when they do not touch it.

    A weights file is named in the spec by the hash of its tensors, so that the spec means the same
    on every machine. Another backbone than the track's cannot have the track's weights.

    Raises:
        UsageError: a flag of frozen backbones without a frozen backbone.
        DataError: the weights file is damaged, or does not fit the network.
    """
    protocol = load_track(track or DEFAULT_TRACK).protocol
    flags = {"head": head, "image_size": image_size}
    changes: dict[str, Any] = {key: value for key, value in flags.items() if value is not None}
    if protocol.embedding is None and not frozen:
        if changes or sources.file is not None:
            raise UsageError(
                "--head, --image-size and --weights belong to a frozen backbone. Add --backbone "
                "timm:NAME --frozen, or choose such a track: --track cifar100n-embedding."
            )
        return {}
    name = backbone or protocol.backbone
    if sources.file is not None:
        changes["weights"] = find_weights(name, sources).sha256
    elif name != protocol.backbone:
        changes["weights"] = None
    return {"embedding": changes} if changes or frozen else {}
