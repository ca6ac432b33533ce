"""`lnlbench embed`: make the embeddings of a track before its runs, or verify existing ones."""

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.cli.options.execution import DataDirectory, Device, Json, Weights
from lnlbench.cli.options.protocol import Backbone, Dataset, FrozenUntil, ImageSize
from lnlbench.cli.options.runs import Track
from lnlbench.errors import UsageError

if TYPE_CHECKING:
    from lnlbench.embeddings.load import Embeddings

DEFAULT_TRACK = "cifar100n-embedding"


def embed(
    track: Track = DEFAULT_TRACK,
    dataset: Dataset = None,
    backbone: Backbone = None,
    image_size: ImageSize = None,
    frozen_until: FrozenUntil = None,
    views: Annotated[
        int | None, typer.Option(help="Number of views of each training image to keep.")
    ] = None,
    weights: Weights = None,
    device: Device = "auto",
    data_dir: DataDirectory = None,
    as_json: Json = False,
) -> None:
    """Compute the features of a data set once, with a frozen network or its frozen first layers.

    Runs then train on these features.

    The cache folder (LNLBENCH_CACHE_DIR) keeps them. After a stop, the same command resumes.
    """
    from lnlbench.plugins.tracks import find_track

    protocol = find_track(track or DEFAULT_TRACK).protocol

    from lnlbench.data.load import load_dataset
    from lnlbench.embeddings.load import load_embeddings
    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device
    from lnlbench.spec.overrides import override_protocol
    from lnlbench.spec.transfer import TransferFlags, transfer_overrides

    sources = WeightSources(weights, load_plugins().backbones)
    pretrained = protocol.pretrained is not None or frozen_until is not None
    said = TransferFlags(
        frozen=backbone is not None and not pretrained,
        pretrained=pretrained,
        image_size=image_size,
        frozen_until=frozen_until,
    )
    changes = transfer_overrides(protocol, backbone, said, sources)
    if views is not None:
        changes.setdefault("pretrained" if pretrained else "embedding", {})["views"] = views
    flags = {"dataset": dataset, "backbone": backbone}
    changes |= {key: value for key, value in flags.items() if value is not None}
    protocol = override_protocol(protocol, changes)
    if protocol.cached is None:
        raise UsageError(
            f"Track {track or DEFAULT_TRACK!r} trains its network on images and has nothing to "
            "embed. Choose another track, such as cifar100n-embedding, or name a network: "
            "--backbone timm:NAME, and to train its last layers also --frozen-until LAYER."
        )
    embeddings = load_embeddings(
        load_dataset(protocol.dataset, data_dir),
        protocol,
        protocol.cached,
        resolve_device(device),
        sources,
    )
    _print_embeddings(embeddings, as_json)


def _print_embeddings(embeddings: "Embeddings", as_json: bool) -> None:
    """Say what the cache holds, and whether it was made now."""
    arrays = (*embeddings.train, embeddings.test)
    size = sum(array.numel() * array.element_size() for array in arrays)
    document = {
        "folder": str(embeddings.folder),
        "views": len(embeddings.train),
        "shape": list(embeddings.train[0].shape),
        "bytes": size,
        "computed": embeddings.computed,
        "seconds": round(embeddings.seconds, 1),
    }
    if as_json:
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    count, *sizes = embeddings.train[0].shape
    done = "made" if embeddings.computed else "already there, verified"
    typer.echo(
        f"{len(embeddings.train)} views of {count:,} training images and {len(embeddings.test):,} "
        f"test images, {math.prod(sizes):,} features each, {size / 1e6:.0f} MB: {done} in "
        f"{embeddings.seconds:.1f} s. {embeddings.folder}"
    )
