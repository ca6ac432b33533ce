"""Facts about networks, kept on disk because importing torch takes seconds.

They are computed again when the code of lnlbench.networks changes, or the version of timm.
"""

import hashlib
from pathlib import Path
from typing import Any

from lnlbench.data.facts import remembered
from lnlbench.networks import BACKBONES
from lnlbench.networks.timm_names import PREFIX, require_layer, timm_version


def check_layer(backbone: str, layer: str) -> None:
    """Refuse a layer in front of which `timm:NAME` cannot be cut; loads no weights.

    Raises:
        UsageError: there is no such layer, or the network cannot be cut.
    """

    def find() -> list[str]:
        from lnlbench.networks.cut import cut_layers

        return cut_layers(backbone, layer)

    require_layer(backbone, layer, remembered("layers", _key(backbone), find))


def describe_backbone(name: str) -> dict[str, Any]:
    """A network's description, and its number of weights at 100 classes and 32x32 pixels.

    Raises:
        UsageError: no such network, or not at this size.
    """

    def find() -> dict[str, Any]:
        from lnlbench.networks.build import build_backbone, builder

        network = build_backbone(name, num_classes=100, channels=3, image_size=32)
        text = (builder(name).__doc__ or "").partition("\n")[0] if name in BACKBONES else "by timm"
        weights = sum(weight.numel() for weight in network.parameters())
        return {"name": name, "description": text, "parameters": weights}

    found: dict[str, Any] = remembered("network", _key(name), find)
    return found


def pretrained_config(backbone: str) -> dict[str, Any]:
    """What timm says of the images that `timm:NAME` was pretrained on.

    `image_size` is in pixels, `fixed_size` says whether the network takes no other; `mean` and
    `std` are of values in [0, 1].
    """

    def find() -> dict[str, Any]:
        import timm

        config = timm.get_pretrained_cfg(backbone.removeprefix(PREFIX))
        assert config is not None, "check_pretrained has seen that timm knows the network"
        return {
            "image_size": int(config.input_size[-1]),
            "fixed_size": config.fixed_input_size,
            "interpolation": config.interpolation,
            "mean": config.mean,
            "std": config.std,
        }

    found: dict[str, Any] = remembered("pretrained-config", _key(backbone), find)
    return found


def _key(backbone: str) -> str:
    digest = hashlib.sha256(backbone.encode())
    if backbone.startswith(PREFIX):
        digest.update(timm_version().encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]
