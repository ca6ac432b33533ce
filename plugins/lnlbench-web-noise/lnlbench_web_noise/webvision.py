"""mini-WebVision: the first classes of WebVision 1.0's Google part (Li et al., 2017).

The lists are info/train_filelist_google.txt and info/val_filelist.txt, with lines `PATH LABEL`; the
images those of the small version, below google/ and val_images_256/.
"""

from collections import Counter

from lnlbench.errors import DataError
from lnlbench_web_noise.listing import (
    Counts,
    Listing,
    check_counts,
    find_folder,
    list_present,
    read_lines,
    read_pairs,
)
from lnlbench_web_noise.settings import MiniWebVision

ALL_CLASSES = 1000
MINI = 50
PUBLISHED: Counts = {"training": 65_944, "validation": 2_500}  # of the first 50 classes
_GOOGLE, _VALIDATION = "google/", "val_images_256"


def read(name: str, settings: MiniWebVision, published: Counts) -> Listing:
    """The Google images of the first classes, and WebVision's validation images of these.

    Raises:
        DataError: a list or an image is missing, or a count is not as published.
    """
    root = find_folder(settings.root, "info/train_filelist_google.txt")
    classes = _names(read_lines(root / "info" / "synsets.txt"), settings.classes)
    listed = {
        "training": read_pairs(root / "info" / "train_filelist_google.txt", ALL_CLASSES),
        "validation": read_pairs(root / "info" / "val_filelist.txt", ALL_CLASSES),
    }
    chosen = {
        split: [(file, label) for file, label in pairs if label < settings.classes]
        for split, pairs in listed.items()
    }
    stated = published if settings.classes == MINI else dict.fromkeys(published)
    counts = {split: len(pairs) for split, pairs in chosen.items()}
    notes = check_counts(counts, stated, settings.subset)
    if settings.classes != MINI:
        notes.append(f"the first {settings.classes} classes, not mini-WebVision's {MINI}")
    # The lists name google/q0001/…; some copies of them leave out google/.
    train = [
        (f"{root}/{file if file.startswith(_GOOGLE) else _GOOGLE + file}", label)
        for file, label in chosen["training"]
    ]
    test = [(f"{root}/{_VALIDATION}/{file}", label) for file, label in chosen["validation"]]
    splits = {"training": train, "validation": test}
    return list_present(classes, splits, settings.subset, notes)


def _names(lines: list[str], count: int) -> tuple[str, ...]:
    """The first names of synsets.txt, whose lines are `n01440764 tench, Tinca tinca`.

    Names that several classes have, such as crane, keep their number.
    """
    if len(lines) < count:
        raise DataError(
            f"info/synsets.txt has {len(lines)} classes, and {count} were asked for. Unpack the "
            "authors' file again."
        )
    names = [" ".join(line.split()[1:]) or line for line in lines[:count]]
    counts = Counter(names)
    return tuple(
        name if counts[name] == 1 else line for name, line in zip(names, lines[:count], strict=True)
    )
