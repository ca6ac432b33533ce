"""Which networks have pretrained weights, and where these may come from; read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.errors import UsageError
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.timm_names import PREFIX, check_timm


@dataclass(frozen=True)
class WeightSources:
    """Where weights may come from, in this order: a file, plugins, timm's hub."""

    file: Path | None = None
    backbones: Mapping[str, Backbone] = field(default_factory=dict)


def check_pretrained(backbone: str) -> None:
    """Refuse a backbone that has no pretrained weights, or whose weights leak.

    Raises:
        UsageError: the name is not timm's, or says that the weights were trained on CIFAR.
    """
    if not backbone.startswith(PREFIX):
        raise UsageError(
            f"--frozen and --pretrained need a network of timm as --backbone timm:NAME, not "
            f"{backbone!r}: lnlbench's own networks have no pretrained weights."
        )
    refuse_cifar(backbone)
    check_timm(backbone.removeprefix(PREFIX))


def refuse_cifar(name: str) -> None:
    """Refuse weights whose name says that they were trained on CIFAR.

    Raises:
        UsageError: it does.
    """
    if "cifar" in name.lower():
        raise UsageError(
            f"{name!r} names weights that were trained on CIFAR: they have seen clean labels, and "
            "no number measured with them would mean anything. Choose weights of other data."
        )
