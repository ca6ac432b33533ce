"""Fetching a data set's files from their official places into a folder."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx
from filelock import FileLock

from lnlbench.data.archive import PREFIX, extract
from lnlbench.data.checksum import matches
from lnlbench.data.download import download, part_of
from lnlbench.data.location import DataDir
from lnlbench.data.names import canonical_name
from lnlbench.data.sources import SOURCES, Source, missing_error, missing_files
from lnlbench.errors import DataError
from lnlbench.system.progress import Progress, shown_downloads
from lnlbench.system.temporary import remove_abandoned

_LOCK = ".lnlbench-fetch.lock"


def fetch(
    name: str,
    folder: Path,
    *,
    sources: Sequence[Source] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Download what `folder` lacks of a data set and return the new files.

    Args:
        name: the data set.
        folder: made when it does not exist; two processes may fetch into it at once.
        sources: where to download from; by default the official places.
        progress: called for each piece; by default a display on standard error.

    Raises:
        DataError: no network (each missing file is named, with where to put it), a wrong
            checksum, a damaged or hostile archive, or a folder that cannot be written.
    """
    wanted = SOURCES[canonical_name(name)] if sources is None else sources
    new = _fetch_missing(name, wanted, folder, progress) if missing_files(wanted, folder) else []
    _remove_leavings(wanted, folder)
    return new


def _fetch_missing(
    name: str, wanted: Sequence[Source], folder: Path, progress: Progress | None
) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK):
            # Looked up again: another process may have fetched them while this one waited.
            missing = missing_files(wanted, folder)
            with nullcontext(progress) if progress else shown_downloads() as show:
                for source in missing:
                    _fetch_one(source, folder, show)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        lacking = missing_files(wanted, folder)
        reason = f"download failed: {error or type(error).__name__}"
        raise missing_error(name, DataDir(folder, given=False), lacking, reason) from error
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error}). Free some space or give another folder with "
            "--data-dir."
        ) from error
    return [folder / file for files in missing.values() for file in files]


def _fetch_one(source: Source, folder: Path, progress: Progress) -> None:
    target = _target(source, folder)
    # An archive that the user put here by hand is used, and kept.
    if source.archive and target.is_file() and matches(target, source.checksum):
        extract(target, source.files, folder)
        return
    part = download(source.url, target, source.checksum, progress)
    if source.archive:
        # It keeps the name of a part: no later call takes it for the user's own.
        extract(part, source.files, folder)
        part.unlink(missing_ok=True)
    else:
        part.replace(target)


def _remove_leavings(wanted: Sequence[Source], folder: Path) -> None:
    """Remove what a killed call has left beside files that are all in place."""
    remove_abandoned(folder, f"{PREFIX}*")
    for source in wanted:
        with suppress(OSError):  # a folder that is only read keeps what it has
            part_of(_target(source, folder)).unlink(missing_ok=True)


def _target(source: Source, folder: Path) -> Path:
    name = PurePosixPath(urlsplit(source.url).path).name if source.archive else source.files[0]
    return folder / name
