"""Read a data folder afresh and compare it with what was published."""

from dataclasses import dataclass
from pathlib import Path

from lnlbench.data.checksum import file_checksum
from lnlbench.data.cifar import read_cifar
from lnlbench.data.human import read_human_labels
from lnlbench.data.load import cifar_formats, load_dataset, to_dataset
from lnlbench.data.location import resolve_data_dir
from lnlbench.data.names import canonical_name
from lnlbench.data.sources import require_files


@dataclass(frozen=True)
class FileCheck:
    """One file: its size in bytes, its hash, and whether this is the published hash."""

    file: str
    size: int
    sha256: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """A data set that was read and accepted: its files, and what was counted in them."""

    name: str
    folder: Path | None
    files: tuple[FileCheck, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def check_dataset(name: str, data_dir: Path | None = None) -> Report:
    """Read every file of a data set, without the cache.

    Raises DataError for the first file that is missing, damaged, hostile or not what it claims.
    """
    canonical = canonical_name(name)
    if canonical == "digits":
        digits = load_dataset(canonical)
        facts = (
            ("training images", f"{len(digits.train_labels):,}"),
            ("test images", f"{len(digits.test_labels):,}"),
            ("classes", str(digits.num_classes)),
        )
        return Report(canonical, None, (), facts, digits.notes)
    location = resolve_data_dir(data_dir)
    require_files(canonical, location)
    form, human_form = cifar_formats(canonical)
    cifar = read_cifar(location.path, form)
    human = read_human_labels(
        location.path, human_form, cifar.train_labels, form.num_classes, cifar.superclasses
    )
    dataset = to_dataset(canonical, form, cifar, human)
    files = [_file(location.path, file, form.checksums[Path(file).name]) for file in form.files]
    files.append(_file(location.path, human_form.file, human_form.checksum))
    rates = [
        (
            f"noise rate {key}",
            f"{(labels != dataset.train_labels).double().mean():.4f}"
            f" (published: {human_form.rates[key]:.4f})",
        )
        for key, labels in dataset.human_labels.items()
    ]
    counts = [
        ("training images", f"{len(dataset.train_labels):,}"),
        ("test images", f"{len(dataset.test_labels):,}"),
        ("classes", str(dataset.num_classes)),
    ]
    agreement = ("clean labels of the label file", "equal the data set's, element by element")
    return Report(
        canonical, location.path, tuple(files), (*counts, agreement, *rates), dataset.notes
    )


def _file(folder: Path, name: str, published: str) -> FileCheck:
    path = folder / name
    own = file_checksum(path, published.partition(":")[0])
    return FileCheck(
        file=name,
        size=path.stat().st_size,
        sha256=file_checksum(path, "sha256").partition(":")[2],
        verdict="as published" if own == published else "other bytes, content accepted",
    )
