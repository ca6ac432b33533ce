"""A run's identity: the hash of its spec, independent of key order, machine and time."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """The canonical JSON of a value: sorted keys, no spaces. NaN and infinity raise ValueError."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def fingerprint(spec: dict[str, Any]) -> str:
    """The sha256, in hex, of a spec's canonical JSON."""
    return hashlib.sha256(canonical_json(spec).encode("utf-8")).hexdigest()
