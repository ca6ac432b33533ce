"""Tell users at which size a network sees the images of their own data, and why."""

from collections.abc import Sequence

from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.tracks import Protocol


def size_line(size: Sequence[int], protocol: Protocol) -> str:
    """One line about a protocol's images, whose height and width in pixels are `size`."""
    height, width = size
    images = f"Images of {height}x{width} pixels"
    pretrained = protocol.embedding or protocol.pretrained
    if pretrained is None:
        return f"{images}, as the data set's settings say."
    own = Preprocessing.of(protocol.backbone, pretrained.image_size).image_size
    if (height, width) == (own, own):
        return f"{images}: {protocol.backbone} takes this size."
    return f"{images}: {protocol.backbone} gets them at {own}x{own}."
