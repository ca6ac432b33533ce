"""Food-101N (Lee et al., CVPR 2018): meta/imagelist.tsv, and the test split of Food-101.

The tables begin with a heading. The lists of verified images say of some images whether their class
is right; they are counted here, and a result says what they show.
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
)
from lnlbench_web_noise.settings import Food101N

CLASSES = 101
PUBLISHED: Counts = {
    "imagelist.tsv": 310_009,
    "verified_train.tsv": 52_868,
    "verified_val.tsv": 4_741,
    "test.txt of Food-101": 25_250,
}
_HEADING = "class_name"
_TEST = "test.txt of Food-101"
_VERIFIED = ("verified_train.tsv", "verified_val.tsv")


def read(name: str, settings: Food101N, published: Counts) -> Listing:
    """All listed images as training images, and Food-101's test images.

    Raises:
        DataError: a list, an image or Food-101 is missing, or a count is not as published.
    """
    root = find_folder(settings.root, "meta/imagelist.tsv", ("Food-101N_release",))
    food101 = _food101(settings, root)
    classes = tuple(sorted(read_classes(root / "meta" / "classes.txt", CLASSES, _HEADING)))
    listed = _table(root / "meta" / "imagelist.tsv")
    verified = {file: _table(root / "meta" / file) for file in _VERIFIED}
    tested = read_lines(food101 / "meta" / "test.txt")
    counts = {"imagelist.tsv": len(listed), _TEST: len(tested)}
    counts |= {file: len(rows) for file, rows in verified.items()}
    notes = check_counts(counts, published, settings.subset)
    notes += _said(verified, {row[0] for row in listed})
    index = {each: number for number, each in enumerate(classes)}
    train = [(f"{root}/images/{row[0]}", _class(row[0], index, "imagelist.tsv")) for row in listed]
    test = [(f"{food101}/images/{key}.jpg", _class(key, index, "test.txt")) for key in tested]
    splits = {"training": train, "test": test}
    return list_present(classes, splits, settings.subset, notes)


def _food101(settings: Food101N, root: Path) -> Path:
    beside = (settings.root / "food-101", root.parent / "food-101")
    for folder in (settings.food101,) if settings.food101 is not None else beside:
        if (folder / "meta" / "test.txt").is_file():
            return folder
    raise DataError(
        f"Food-101N is tested on Food-101, and there is no meta/test.txt in "
        f"{settings.food101 or beside[0]}. Unpack food-101.tar.gz, and name its folder: --set-data "
        "food101=DIR."
    )


def _table(file: Path) -> list[list[str]]:
    """The rows of a table, without its heading."""
    rows = [line.split("\t") for line in read_lines(file)]
    return rows[1:] if rows and rows[0][0].startswith(_HEADING) else rows


def _class(key: str, index: dict[str, int], file: str) -> int:
    name = key.partition("/")[0]
    if name not in index:
        raise DataError(
            f"{file} lists {key!r}, and {name!r} is not in classes.txt. Unpack the authors' files "
            "again."
        )
    return index[name]


def _said(verified: dict[str, list[list[str]]], listed: set[str]) -> list[str]:
    """What the verified lists say of the labels."""
    rows = [row for each in verified.values() for row in each]
    odd = [row for row in rows if len(row) != 2 or row[1] not in ("0", "1")]
    if odd:
        raise DataError(
            f"A verified list has the row {odd[0]!r}, which is not an image and 0 or 1. Unpack the "
            "authors' files again."
        )
    if not rows:
        return []
    wrong = sum(row[1] == "0" for row in rows) / len(rows)
    said = [f"{100 * wrong:.1f} % of the {len(rows):,} verified labels are wrong"]
    # The published lists disagree on the class of at least one image.
    lost = sum(row[0] not in listed for row in rows)
    return [*said, f"{lost:,} verified images are not in imagelist.tsv"] if lost else said
