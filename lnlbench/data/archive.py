"""Unpack only the wanted files from an archive."""

import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lnlbench.data.pickles import MAX_BYTES
from lnlbench.errors import DataError, shown
from lnlbench.system.temporary import held, remove_abandoned


def extract(archive: Path, files: Sequence[str], folder: Path) -> None:
    """Put `files` (paths inside the archive) below `folder`: either all of them or no file at all.

    Raises DataError for a damaged archive, one that lacks a file, or one with a hostile member.
    """
    remove_abandoned(folder, ".extract-*")
    made = tempfile.TemporaryDirectory(prefix=".extract-", dir=folder)
    with made as temporary, held(Path(temporary)):
        try:
            with tarfile.open(archive, "r:gz") as tar:
                members = _wanted(archive, tar.getmembers(), files)
                tar.extractall(temporary, members=members, filter="data")
        except DataError:
            raise
        except Exception as error:  # a damaged archive can raise almost anything
            raise DataError(
                f"{archive} is truncated or corrupted ({str(error)[:200]}). Delete it and fetch it "
                "again."
            ) from error
        _put_in_place(Path(temporary), files, folder)


def _wanted(
    archive: Path, members: Sequence[tarfile.TarInfo], files: Sequence[str]
) -> list[tarfile.TarInfo]:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise DataError(
                f"{archive} was refused: its member {shown(member.name)} is a link or would be "
                "written outside the data folder. Nothing was extracted; delete the archive."
            )
    wanted = {member.name: member for member in members if member.isreg() and member.name in files}
    lacking = [name for name in files if name not in wanted]
    if lacking:
        raise DataError(f"{archive} lacks {', '.join(lacking)}; it is not the expected archive.")
    large = next((name for name, member in wanted.items() if member.size > MAX_BYTES), None)
    if large:
        raise DataError(f"{archive}: {large} is larger than {MAX_BYTES} bytes; not extracted.")
    return list(wanted.values())


def _put_in_place(temporary: Path, files: Sequence[str], folder: Path) -> None:
    top = PurePosixPath(files[0]).parts[0]
    if not (folder / top).exists():
        (temporary / top).replace(folder / top)
        return
    for name in files:  # the folder is already there but incomplete, so move file by file
        (temporary / name).replace(folder / name)
