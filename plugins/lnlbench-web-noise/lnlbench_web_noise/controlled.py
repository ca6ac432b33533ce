"""Controlled web noise (Jiang et al., ICML 2020): Red and Blue Mini-ImageNet, ten noise levels.

The lists are split/red_noise_nl_0.2 and the like, with lines `FILE LABEL`, and
split/clean_validation. Training images lie in all_images/ or, those from the web, in noisy_images/;
validation images in validation/, with or without a folder for each class.
"""

from pathlib import Path

from lnlbench_web_noise.listing import (
    Counts,
    Listing,
    check_counts,
    files_by_name,
    find_folder,
    list_present,
    read_lines,
    read_pairs,
)
from lnlbench_web_noise.settings import MiniImageNet

CLASSES = 100
# Of the red lists, as in the code with which an author of them reran MentorMix (youjiangxu/FaMUS at
# af8c233, baselines/code_mentormix_r32/code/mini_imagenet_dataset.py). For the blue ones no counts
# are stated there.
PUBLISHED: Counts = {
    **dict.fromkeys((f"red_noise_nl_{level}" for level in ("0.0", "0.05", "0.1")), 50_000),
    **dict.fromkeys((f"red_noise_nl_{level}" for level in ("0.15", "0.2", "0.6")), 50_000),
    "red_noise_nl_0.3": 49_985,
    "red_noise_nl_0.4": 50_010,
    "red_noise_nl_0.5": 49_962,
    "red_noise_nl_0.8": 50_008,
    "clean_validation": 5_000,
}
_VALIDATION = "clean_validation"
_INSIDE = ("mini-imagenet", "dataset_no_images/mini-imagenet")


def read(name: str, settings: MiniImageNet, published: Counts) -> Listing:
    """The training list of the color and the level, and the clean validation list.

    Raises:
        DataError: a list or an image is missing, or a count is not as published.
    """
    root = find_folder(settings.root, "split", _INSIDE)
    color = name.removeprefix("mini-imagenet-")
    wanted = f"{color}_noise_nl_{settings.level / 100}"
    lists = {each: read_pairs(root / "split" / each, CLASSES) for each in (wanted, _VALIDATION)}
    stated = {each: published.get(each) for each in lists}
    counts = {each: len(pairs) for each, pairs in lists.items()}
    notes = check_counts(counts, stated, settings.subset)
    if stated[wanted] is None:
        notes.append(f"no published count is known for {wanted}, so it was not checked")
    notes.append(_level(settings.level, color, [file for file, _ in lists[wanted]]))
    places = [
        folder / part
        for folder in dict.fromkeys((root, settings.root))
        for part in ("all_images", "noisy_images")
    ]
    tested = [folder / "validation" for folder in dict.fromkeys((root, settings.root))]
    train = _found(lists[wanted], files_by_name(*places), root / "all_images")
    test = _found(lists[_VALIDATION], files_by_name(*tested), root / "validation")
    splits = {"training": train, "validation": test}
    return list_present(_class_names(root), splits, settings.subset, notes)


def _level(level: int, color: str, files: list[str]) -> str:
    """What a result says of the noise: in the red sets, the wrong labels are on images of the web.

    The names of the other images begin with a class of ImageNet, as in n0153282900000007.jpg.
    """
    if color != "red":
        return f"noise level {level} %: labels drawn at random"
    web = sum(not (file.startswith("n") and file[1:9].isdecimal()) for file in files)
    share = 100 * web / max(1, len(files))
    return f"noise level {level} %: {share:.1f} % of the images are from the web"


def _found(
    pairs: list[tuple[str, int]], paths: dict[str, str], expected: Path
) -> list[tuple[str, int]]:
    return [(paths.get(file, f"{expected}/{file}"), label) for file, label in pairs]


def _class_names(root: Path) -> tuple[str, ...]:
    """The lines of class_name.txt, one for each class; the numbers of the classes without it."""
    file = root / "class_name.txt"
    if not file.is_file():
        return tuple(map(str, range(CLASSES)))
    lines = read_lines(file)
    if len(set(lines)) != CLASSES or len(lines) != CLASSES:
        return tuple(map(str, range(CLASSES)))
    return tuple(lines)
