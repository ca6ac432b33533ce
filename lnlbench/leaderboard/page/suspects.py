"""The training samples whose labels a run doubts most, as pictures with both labels."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard import text

if TYPE_CHECKING:
    import numpy
    import pyarrow

MAX_SUSPECTS = 24
_PIXELS = 96


@dataclass(frozen=True)
class Suspect:
    """One doubtful sample: `image` is a PNG as a data address, `true` is None if unknown."""

    image: str
    index: int
    given: str
    suggested: str
    true: str | None
    reason: str


@dataclass(frozen=True)
class Pictured:
    """What a page needs to know about the training samples that it shows.

    `image` gives the pixels of a sample, uint8 [C, H, W]; `true_labels` is None if they are
    unknown.
    """

    classes: Sequence[str]
    true_labels: Sequence[int] | None
    image: "Callable[[int], numpy.ndarray]"


def find_suspects(samples: "pyarrow.Table", pictured: Pictured) -> tuple[list[Suspect], int]:
    """The most suspicious samples, worst first, and how many there are in all.

    A sample is suspicious if the prediction differs from its label. The order is by clean
    probability, lowest first, or, without one, by loss, highest first.
    """
    rows = [row for row in samples.to_pylist() if row["predicted_label"] != row["noisy_label"]]

    def order(row: dict[str, Any]) -> tuple[float, float, int]:
        belief = row["clean_probability"]
        return (0.0 if belief is None else belief, -row["loss"], row["index"])

    rows.sort(key=order)
    return [_suspect(row, pictured) for row in rows[:MAX_SUSPECTS]], len(rows)


def _suspect(row: dict[str, Any], pictured: Pictured) -> Suspect:
    names, index, belief = pictured.classes, row["index"], row["clean_probability"]
    true = None if pictured.true_labels is None else names[pictured.true_labels[index]]
    reason = f"loss {row['loss']:.2f}" if belief is None else f"{100 * belief:.1f} % clean"
    return Suspect(
        image=_data_address(pictured.image(index)),
        index=index,
        given=text.plain(names[row["noisy_label"]]),
        suggested=text.plain(names[row["predicted_label"]]),
        true=None if true is None else text.plain(true),
        reason=reason,
    )


def _data_address(pixels: "numpy.ndarray") -> str:
    """A PNG of an image uint8 [C, H, W], made smaller when it is large."""
    from PIL import Image

    # An image whose channels are neither gray nor red, green and blue shows its first channel.
    picture = Image.fromarray(pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0])
    picture.thumbnail((_PIXELS, _PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
