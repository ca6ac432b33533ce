"""The training samples whose labels a run doubts most, as pictures with both labels."""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lnlbench.leaderboard import text

if TYPE_CHECKING:
    import pyarrow
    from torch import Tensor

    from lnlbench.data.dataset import Dataset

MAX_SUSPECTS = 24
_PIXELS = 96


@dataclass(frozen=True)
class Suspect:
    """One doubtful sample: `image` is a PNG as a data address, `true` None where nobody knows."""

    image: str
    index: int
    given: str
    suggested: str
    true: str | None
    reason: str


def find_suspects(samples: "pyarrow.Table", dataset: "Dataset") -> tuple[list[Suspect], int]:
    """The most suspicious samples, worst first, and how many there are in all.

    Suspicious is a sample that is predicted as something else than it is labeled. They are ordered
    by the clean probability, lowest first, or without one by the loss, highest first.
    """
    rows = [row for row in samples.to_pylist() if row["predicted_label"] != row["noisy_label"]]

    def order(row: dict) -> tuple[float, float, int]:
        belief = row["clean_probability"]
        return (0.0 if belief is None else belief, -row["loss"], row["index"])

    rows.sort(key=order)
    return [_suspect(row, dataset) for row in rows[:MAX_SUSPECTS]], len(rows)


def _suspect(row: dict, dataset: "Dataset") -> Suspect:
    from lnlbench.data.image_files import read_rows

    names, index, belief = dataset.classes, row["index"], row["clean_probability"]
    # Labels that were given are no truth to compare with.
    true = names[int(dataset.train_labels[index])] if dataset.truth_known else None
    reason = f"loss {row['loss']:.2f}" if belief is None else f"{100 * belief:.1f} % clean"
    return Suspect(
        image=_data_address(read_rows(dataset.train_images, slice(index, index + 1))[0]),
        index=index,
        given=text.plain(names[row["noisy_label"]]),
        suggested=text.plain(names[row["predicted_label"]]),
        true=None if true is None else text.plain(true),
        reason=reason,
    )


def _data_address(image: "Tensor") -> str:
    """A PNG of an image uint8 [C, H, W], made smaller when it is large."""
    from PIL import Image

    # Of other channels than gray or red, green and blue, the first is shown.
    pixels = image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]
    picture = Image.fromarray(pixels.contiguous().numpy())
    picture.thumbnail((_PIXELS, _PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
