"""The first line of a checkpoint file: a hash of the rest of the file, which reveals damage.

This module does not import torch, so a process that only copies checkpoints can check them.
"""

import hashlib

_MAGIC = b"lnlbench checkpoint 1 "


def seal(content: bytes) -> bytes:
    """The content of a checkpoint, with its hash in front."""
    return _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unseal(data: bytes) -> bytes | None:
    """The content of a checkpoint file; None if it is damaged, or not a checkpoint."""
    header, _, content = data.partition(b"\n")
    whole = header == _MAGIC + hashlib.sha256(content).hexdigest().encode()
    return content if whole else None
