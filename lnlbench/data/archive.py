"""Unpack only the wanted files from an archive."""

import gzip
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from lnlbench.data.pickles import MAX_BYTES
from lnlbench.errors import DataError, shown
from lnlbench.system.temporary import held, remove_abandoned

TEMPORARY = ".extract-*"
_MAX_MEMBERS = 10_000


class _Bounded:
    """What tarfile reads from: an unpacked stream with an end, whatever the archive declares."""

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream = stream
        self._archive = archive
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        """The next `size` bytes; DataError if the archive may not have so many."""
        self._check(self.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        """Go to a position, which means unpacking all that comes before it."""
        self._check(position)
        return self._stream.seek(position)

    def _check(self, end: int) -> None:
        if end > MAX_BYTES:
            raise _too_large(self._archive, f"{MAX_BYTES:,} bytes when it is unpacked")


def extract(archive: Path, files: Sequence[str], folder: Path) -> None:
    """Put `files` (paths inside the archive) below `folder`: either all of them or no file at all.

    Raises DataError for a damaged archive, one that lacks a file, one with a hostile member, and
    one that would unpack to more than a data set has.
    """
    remove_abandoned(folder, TEMPORARY)
    made = tempfile.TemporaryDirectory(prefix=TEMPORARY.rstrip("*"), dir=folder)
    with made as temporary, held(Path(temporary)):
        try:
            with (
                gzip.open(archive) as stream,
                tarfile.open(fileobj=_Bounded(stream, archive), mode="r:") as tar,
            ):
                members = _wanted(archive, tar, files)
                tar.extractall(temporary, members=members, filter="data")
        except DataError:
            raise
        except Exception as error:  # a damaged archive can raise almost anything
            raise DataError(
                f"{archive} is truncated or corrupted ({str(error)[:200]}). Delete it and fetch it "
                "again."
            ) from error
        _put_in_place(Path(temporary), files, folder)


def _wanted(archive: Path, tar: tarfile.TarFile, files: Sequence[str]) -> list[tarfile.TarInfo]:
    members = []
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise DataError(
                f"{archive} was refused: its member {shown(member.name)} is a link or would be "
                "written outside the data folder. Nothing was extracted; delete the archive."
            )
        members.append(member)
        if len(members) > _MAX_MEMBERS:
            raise _too_large(archive, f"{_MAX_MEMBERS:,} members")
    wanted = {member.name: member for member in members if member.isreg() and member.name in files}
    lacking = [name for name in files if name not in wanted]
    if lacking:
        raise DataError(f"{archive} lacks {', '.join(lacking)}; it is not the expected archive.")
    return list(wanted.values())


def _too_large(archive: Path, limit: str) -> DataError:
    return DataError(
        f"{archive} was refused: it declares more than {limit}. Nothing was extracted; delete the "
        "archive."
    )


def _put_in_place(temporary: Path, files: Sequence[str], folder: Path) -> None:
    top = PurePosixPath(files[0]).parts[0]
    if not (folder / top).exists():
        (temporary / top).replace(folder / top)
        return
    for name in files:  # the folder is already there but incomplete, so move file by file
        (temporary / name).replace(folder / name)
