"""Unpack only the wanted files from an archive."""

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lnlbench.data.pickles import MAX_BYTES
from lnlbench.errors import DataError, shown
from lnlbench.system.temporary import temporary_folder

PREFIX = ".extract-"
_MAX_MEMBERS = 10_000


class _Bounded(gzip.GzipFile):
    """An unpacked stream with an end, whatever tarfile finds declared in it."""

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; DataError if the archive may not have so many."""
        self._check(self.tell() + (size or 0))
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which means unpacking all that comes before it."""
        self._check(offset)
        return super().seek(offset, whence)

    def _check(self, end: int) -> None:
        if end > MAX_BYTES:
            raise _too_large(Path(str(self.name)), f"{MAX_BYTES:,} bytes when it is unpacked")


def extract(archive: Path, files: Sequence[str], folder: Path) -> None:
    """Put `files` (paths inside the archive) below `folder`: either all of them or no file at all.

    Raises DataError for a damaged archive, one that lacks a file, one with a hostile member, and
    one that would unpack to more than a data set has.
    """
    with temporary_folder(PREFIX, folder) as temporary:
        try:
            with (
                _Bounded(archive) as stream,
                tarfile.open(fileobj=stream, mode="r:") as tar,
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
        _put_in_place(temporary, files, folder)


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
        raise DataError(
            f"{archive} lacks {', '.join(lacking)}; it is not the published archive. Delete it, "
            "and fetch it again: 'lnlbench data fetch'."
        )
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
