"""Checksums of files, written as 'md5:…' or 'sha256:…'."""

import hashlib
from pathlib import Path


def file_checksum(path: Path, algorithm: str) -> str:
    """'algorithm:hex digest' of a whole file."""
    # The publishers give MD5. `usedforsecurity` lets it work on machines that forbid it otherwise.
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def matches(path: Path, checksum: str) -> bool:
    """Whether a file has the checksum."""
    return file_checksum(path, checksum.partition(":")[0]) == checksum
