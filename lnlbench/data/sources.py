"""Where each file comes from, and what to say when one is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lnlbench.data.cifar import CIFAR10, CIFAR100
from lnlbench.data.human import CIFAR10N, CIFAR100N
from lnlbench.data.location import DATA_DIR_VARIABLE, DataDir
from lnlbench.errors import DataError

_KRIZHEVSKY = "https://www.cs.toronto.edu/~kriz"
_CIFAR_N = "https://raw.githubusercontent.com/UCSC-REAL/cifar-10-100n/main/data"


@dataclass(frozen=True)
class Source:
    """One download: `checksum` is 'md5:…' or 'sha256:…' of the whole file at `url`.

    `files` are the files that it leaves in the data folder. `archive` says that it is an archive.
    """

    url: str
    checksum: str
    files: tuple[str, ...]
    archive: bool = False


_CIFAR10 = (
    Source(
        f"{_KRIZHEVSKY}/cifar-10-python.tar.gz",
        "md5:c58f30108f718f92721af3b95e74349a",
        CIFAR10.files,
        archive=True,
    ),
    Source(f"{_CIFAR_N}/{CIFAR10N.file}", CIFAR10N.checksum, (CIFAR10N.file,)),
)
_CIFAR100 = (
    Source(
        f"{_KRIZHEVSKY}/cifar-100-python.tar.gz",
        "md5:eb9058c3a382ffc7106e4002c42a8d85",
        CIFAR100.files,
        archive=True,
    ),
    Source(f"{_CIFAR_N}/{CIFAR100N.file}", CIFAR100N.checksum, (CIFAR100N.file,)),
)

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "digits": (),
    "cifar10": _CIFAR10,
    "cifar100": _CIFAR100,
    "cifar100-coarse": _CIFAR100,
}


def missing_files(sources: Sequence[Source], folder: Path) -> dict[Source, list[str]]:
    """The files that `folder` lacks, by source; complete sources are left out."""
    lacking = {
        source: [file for file in source.files if not (folder / file).is_file()]
        for source in sources
    }
    return {source: files for source, files in lacking.items() if files}


def require_files(name: str, location: DataDir) -> None:
    """Raise a DataError that names every missing file of a data set; never downloads."""
    missing = missing_files(SOURCES[name], location.path)
    if missing:
        raise missing_error(name, location, missing, reason="")


def missing_error(
    name: str, location: DataDir, missing: Mapping[Source, Sequence[str]], reason: str
) -> DataError:
    """One message: each missing file, where it belongs, where it comes from, and what to do."""
    lines = [f"{name}: files are missing in {location.path}{f' ({reason})' if reason else ''}."]
    for source, files in missing.items():
        lines += [f"  missing: {location.path / file}" for file in files]
        inside = ", inside the archive" if source.archive else ""
        lines.append(f"    comes from {source.url}{inside}")
    folders = {Path(file).parts[0] for files in missing.values() for file in files}
    if location.path.name in folders:
        lines.append(f"Did you mean its parent folder, {location.path.parent}?")
    if location.given:
        lines.append(
            f"A folder named by --data-dir or {DATA_DIR_VARIABLE} is only read; to download into "
            f"it, run 'lnlbench data fetch {name} --data-dir {location.path}'."
        )
    else:
        lines.append(
            f"Put the files there, or point --data-dir or {DATA_DIR_VARIABLE} to a folder that has "
            f"them, or run 'lnlbench data fetch {name}' with a network."
        )
    lines.append("'--track digits' needs no files and no network.")
    return DataError("\n".join(lines))
