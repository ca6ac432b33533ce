"""Clothing1M (Xiao et al., CVPR 2015): lists of keys, and files that give keys their labels.

The lists lie in the folder itself or in annotations/. A key is the path of an image, such as
images/0/00/1,2.jpg. Training images are those of noisy_train_key_list.txt with noisy labels, test
images those of clean_test_key_list.txt with clean ones.
"""

from pathlib import Path

from lnlbench.errors import DataError
from lnlbench_web_noise.listing import (
    Counts,
    Listing,
    check_counts,
    find_folder,
    list_present,
    read_classes,
    read_lines,
    read_pairs,
)
from lnlbench_web_noise.settings import Clothing1M

CLASSES = 14
PUBLISHED: Counts = {
    "noisy_train_key_list.txt": 1_000_000,
    "clean_train_key_list.txt": 47_570,
    "clean_val_key_list.txt": 14_313,
    "clean_test_key_list.txt": 10_526,
}
_IMAGES = "images/"


def read(name: str, settings: Clothing1M, published: Counts) -> Listing:
    """The noisy training list and the clean test list.

    Raises:
        DataError: a list or an image is missing, a key has no label, or a count is not as
            published.
    """
    lists = find_folder(settings.root, "noisy_label_kv.txt", ("annotations",))
    keys = {file: read_lines(lists / file) for file in published}
    counts = {file: len(found) for file, found in keys.items()}
    notes = check_counts(counts, published, settings.subset)
    noisy = dict(read_pairs(lists / "noisy_label_kv.txt", CLASSES))
    clean = dict(read_pairs(lists / "clean_label_kv.txt", CLASSES))
    classes = tuple(read_classes(lists / "category_names_eng.txt", CLASSES))
    both = [key for key in clean if key in noisy]
    if both:
        wrong = sum(noisy[key] != clean[key] for key in both) / len(both)
        notes.append(
            f"{100 * wrong:.1f} % of the noisy labels are wrong among the {len(both):,} images "
            "that have a noisy and a clean one"
        )
    train = _labelled(settings.root, keys["noisy_train_key_list.txt"], noisy, "noisy_label_kv.txt")
    test = _labelled(settings.root, keys["clean_test_key_list.txt"], clean, "clean_label_kv.txt")
    splits = {"training": train, "test": test}
    return list_present(classes, splits, settings.subset, notes)


def _labelled(
    root: Path, keys: list[str], labels: dict[str, int], file: str
) -> list[tuple[str, int]]:
    lost = [key for key in keys if key not in labels]
    if lost:
        raise DataError(
            f"{file} has no label for {len(lost):,} keys, first {lost[0]!r}. Unpack the authors' "
            "files again."
        )
    # Some unpack the archives of images beside the lists, without the folder images.
    place = root / _IMAGES if (root / _IMAGES).is_dir() else root
    return [(f"{place}/{key.removeprefix(_IMAGES)}", labels[key]) for key in keys]
