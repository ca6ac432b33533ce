"""ANIMAL-10N (Song et al., ICML 2019): training/ and testing/, the label in each file's name.

The authors' archive of raw images has the two folders inside others, where they are found as well.
"""

from pathlib import Path

from lnlbench.errors import DataError
from lnlbench_web_noise.listing import Counts, Listing, check_counts, find_folder
from lnlbench_web_noise.settings import Animal10N

CLASSES = (
    *("cat", "lynx", "wolf", "coyote", "cheetah"),
    *("jaguar", "chimpanzee", "orangutan", "hamster", "guinea pig"),
)
PUBLISHED: Counts = {"training": 50_000, "testing": 5_000}
_INSIDE = ("raw_image", "raw_image_ver", "raw_image_ver/raw_image")


def read(name: str, settings: Animal10N, published: Counts) -> Listing:
    """The images of both folders.

    Raises:
        DataError: a folder is missing, a file's name has no label, or a count is not as published.
    """
    root = find_folder(settings.root, "training", _INSIDE)
    splits = {split: _labelled(root / split) for split in published}
    counts = {split: len(samples) for split, samples in splits.items()}
    notes = check_counts(counts, published, settings.subset)
    notes.append("about 8 % of the training labels are wrong, by the authors' estimate")
    return Listing(CLASSES, splits["training"], splits["testing"], notes)


def _labelled(folder: Path) -> list[tuple[str, int]]:
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing. Unpack the authors' archive again.")
    samples = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.startswith(".") or not file.is_file():
            continue
        label = file.name.partition("_")[0]
        if not label.isdecimal() or int(label) >= len(CLASSES):
            raise DataError(
                f"{file}: the name does not begin with a label from 0 to 9 and a line, such as "
                "3_001.jpg. Remove files that are not of the data set."
            )
        samples.append((str(file), int(label)))
    return samples
