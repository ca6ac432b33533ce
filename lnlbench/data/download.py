"""Download one file: resume where it broke off, and check it."""

from pathlib import Path

import httpx

from lnlbench.data.checksum import file_checksum
from lnlbench.errors import DataError
from lnlbench.system.progress import Progress

TIMEOUT_SECONDS = 30.0


def part_of(target: Path) -> Path:
    """The file that `download` makes for `target`."""
    return target.with_name(f"{target.name}.part")


def download(url: str, target: Path, checksum: str, progress: Progress) -> Path:
    """Fetch `url` into the `.part` file of `target`, from which a later call resumes.

    Returns the file, which the caller puts in place or deletes. Raises DataError when it has
    another checksum (it is then deleted), and httpx.HTTPError when the server cannot be reached or
    refuses.
    """
    part = part_of(target)
    resumed = part.exists()
    _receive_all(url, part, progress)
    found = file_checksum(part, checksum.partition(":")[0])
    if found != checksum and resumed:
        # The resumed part may come from an older file or be damaged, so download all of it again.
        part.unlink()
        _receive_all(url, part, progress)
        found = file_checksum(part, checksum.partition(":")[0])
    if found != checksum:
        part.unlink()
        raise DataError(
            f"{url} is not the published file: its checksum is {found}, expected {checksum}. "
            "Nothing was kept. A proxy or login page may have answered instead; try again later, "
            f"or get the file another way and put it at {target}."
        )
    return part


def _receive_all(url: str, part: Path, progress: Progress) -> None:
    while True:
        before = _size(part)
        try:
            _receive(url, part, progress)
            return
        except httpx.TransportError:
            # Try again if some bytes came; a connection without any means a dead server.
            if _size(part) <= before:
                raise


def _receive(url: str, part: Path, progress: Progress) -> None:
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with httpx.stream(
        "GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_SECONDS
    ) as response:
        if have and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is here already; the checksum decides
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0  # the server ignores ranges and sends the whole file
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if have else "wb") as stream:
            for chunk in response.iter_bytes():
                stream.write(chunk)
                have += len(chunk)
                progress(part.stem, have, total)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
