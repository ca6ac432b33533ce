"""Everything that decides the bytes of embeddings, and the cache key made from it."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from lnlbench.data.dataset import Dataset
from lnlbench.data.facts import remembered
from lnlbench.data.image_files import ImageFiles, Images
from lnlbench.data.reading import update_digest
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.results.fingerprint import fingerprint
from lnlbench.seeds import seed_for

FORMAT = 1
# Images that pass the backbone together. Part of the key: another order of sums rounds differently.
CHUNK = 250


@dataclass(frozen=True)
class Plan:
    """Images, weights, preprocessing and augmentation of an entry of the cache.

    The plan does not contain the number of views: each view is a file of its own, so more views
    add files to the same entry. It does not contain the data set's name either: fine and coarse
    labels of the same images share an entry. `until` is the layer whose input is kept; None keeps
    the whole backbone's features.
    """

    train_sha256: str
    test_sha256: str
    backbone: str
    weights_sha256: str
    preprocessing: Preprocessing
    precision: str
    augment: str
    until: str | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        backbone: str,
        weights_sha256: str,
        preprocessing: Preprocessing,
        precision: str,
        augment: str,
        until: str | None = None,
    ) -> "Plan":
        """The plan for a data set's images."""
        return cls(
            train_sha256=_sha256(dataset.train_images),
            test_sha256=_sha256(dataset.test_images),
            backbone=backbone,
            weights_sha256=weights_sha256,
            preprocessing=preprocessing,
            precision=precision,
            augment=augment,
            until=until,
        )

    def document(self) -> dict[str, Any]:
        """Everything that decides the bytes, as JSON values."""
        document = {"format": FORMAT, "chunk": CHUNK, **asdict(self)}
        for field in ("mean", "std"):
            document["preprocessing"][field] = list(document["preprocessing"][field])
        if self.until is None:
            del document["until"]  # so that entries of whole backbones keep their keys
        return document

    @property
    def key(self) -> str:
        """The entry's name: the backbone, which people read, and the hash of the plan."""
        name = self.backbone.partition(":")[2]
        return f"{name}-{fingerprint(self.document())[:16]}"


def view_seed(view: int) -> int:
    """The seed of the crops and flips of one augmented view, numbered from 1."""
    return seed_for(0, "embedding view", view)


def _sha256(images: Images) -> str:
    def compute() -> str:
        digest = hashlib.sha256(f"{images.dtype} {list(images.shape)}\n".encode())
        update_digest(digest, images)
        return digest.hexdigest()

    if not isinstance(images, ImageFiles):
        return compute()
    found: str = remembered("images", images.identity()[:32], compute)
    return found
