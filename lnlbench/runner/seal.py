"""The first line of a checkpoint file: a hash of all that follows, by which a torn one is known.

Without torch: who only carries a checkpoint elsewhere can tell that it is whole.
"""

import hashlib

_MAGIC = b"lnlbench checkpoint 1 "


def seal(content: bytes) -> bytes:
    """The content of a checkpoint, with its hash in front."""
    return _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unseal(data: bytes) -> bytes | None:
    """The content of a checkpoint file; None when it is damaged, or no checkpoint."""
    header, _, content = data.partition(b"\n")
    whole = header == _MAGIC + hashlib.sha256(content).hexdigest().encode()
    return content if whole else None
