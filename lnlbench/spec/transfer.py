"""Turn the flags of a pretrained backbone into the protocol fields that they override."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lnlbench.errors import UsageError
from lnlbench.networks.timm_names import PREFIX
from lnlbench.networks.weight_sources import WeightSources, check_pretrained
from lnlbench.spec.overrides import merged
from lnlbench.tracks import Protocol


@dataclass(frozen=True)
class TransferFlags:
    """The flags of a pretrained backbone; a flag that the user did not give is None or False."""

    frozen: bool = False
    pretrained: bool = False
    head: str | None = None
    image_size: int | None = None
    body_lr_factor: float | None = None
    frozen_until: str | None = None


NO_FLAGS = TransferFlags()


def pretrained_size(
    protocol: Protocol, changes: Mapping[str, Any], flags: TransferFlags
) -> int | None:
    """The side, in pixels, of the images that a pretrained network takes; None for other networks.

    `changes` are the fields that replace those of the track's `protocol`.

    Raises:
        UsageError: timm does not have the network, or the network takes only another size.
    """
    fields = merged(protocol.model_dump(mode="json"), dict(changes))
    part = fields.get("embedding") or fields.get("pretrained")
    name = fields["backbone"]
    if not (part or flags.frozen or flags.pretrained) or not name.startswith(PREFIX):
        return None
    from lnlbench.networks.preprocessing import Preprocessing  # imports torch

    check_pretrained(name)
    asked = flags.image_size or (part or {}).get("image_size")
    return Preprocessing.of(name, asked if isinstance(asked, int) else None).image_size


def transfer_overrides(
    protocol: Protocol, backbone: str | None, flags: TransferFlags, sources: WeightSources
) -> dict[str, Any]:
    """A track's `embedding` or `pretrained` as the flags change it; empty without such flags.

    The spec names a weights file by the hash of its tensors, so it means the same on every machine.
    The track's weights fit only the track's own backbone.

    Raises:
        UsageError: a flag of pretrained backbones without one, or flags that exclude each other.
        DataError: the weights file is damaged, or does not fit the network.
    """
    frozen = flags.frozen or protocol.embedding is not None
    pretrained = flags.pretrained or protocol.pretrained is not None
    _check(flags, frozen, pretrained, sources)
    if not (frozen or pretrained):
        return {}
    given = {
        "head": flags.head,
        "image_size": flags.image_size,
        "body_lr_factor": flags.body_lr_factor,
        "frozen_until": flags.frozen_until,
    }
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    name = backbone or protocol.backbone
    if sources.file is not None:
        from lnlbench.networks.weights import find_weights  # imports torch

        changes["weights"] = find_weights(name, sources).sha256
    elif name != protocol.backbone:
        changes["weights"] = None
    asked = flags.frozen or flags.pretrained
    return {"embedding" if frozen else "pretrained": changes} if changes or asked else {}


def _check(flags: TransferFlags, frozen: bool, pretrained: bool, sources: WeightSources) -> None:
    if frozen and pretrained:
        raise UsageError(
            "A backbone is either frozen (--frozen, or a track of embeddings) or fine-tuned from "
            "pretrained weights (--pretrained, or --track cifar100n-pretrained). Choose one."
        )
    if flags.head is not None and not frozen:
        raise UsageError(
            "--head belongs to a frozen backbone. Add --backbone timm:NAME --frozen, or choose "
            "such a track: --track cifar100n-embedding."
        )
    if flags.body_lr_factor is not None and not pretrained:
        raise UsageError(
            "--body-lr-factor belongs to a fine-tuned backbone. Add --backbone timm:NAME "
            "--pretrained, or choose such a track: --track cifar100n-pretrained."
        )
    if flags.frozen_until is not None and not pretrained:
        raise UsageError(
            "--frozen-until belongs to a fine-tuned backbone. Add --backbone timm:NAME "
            "--pretrained, or choose such a track: --track cifar100n-pretrained-last."
        )
    if (flags.image_size is not None or sources.file is not None) and not (frozen or pretrained):
        raise UsageError(
            "--image-size and --weights belong to a pretrained backbone. Add --backbone timm:NAME "
            "--frozen, or --backbone timm:NAME --pretrained, or choose such a track: --track "
            "cifar100n-embedding or cifar100n-pretrained."
        )
