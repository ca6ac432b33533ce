"""A cache of plain facts that take long to find, each under a key that decides it."""

import json
import logging
from collections.abc import Callable
from typing import Any

from lnlbench.data.location import cache_dir
from lnlbench.errors import LnlbenchError
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json, read_text

_log = logging.getLogger(__name__)


def remembered(
    name: str, key: str, compute: Callable[[], Any], keep: Callable[[Any], bool] | None = None
) -> Any:
    """What `compute` returns, a JSON value; taken from the cache when `key` is there.

    The key has to contain everything that decides the value. If the file cannot be written, or
    `keep` refuses the value, it is not cached.
    """
    root = cache_dir() / "facts"
    file = root / f"{name}-{key}.json"
    try:
        return parse_json(read_text(file))["value"]
    except FileNotFoundError:
        pass
    except Exception as error:  # whatever is wrong with it, it can be made again
        _log.warning("%s is unreadable (%s) and is made again", file, error)
    value = compute()
    if keep is not None and not keep(value):
        return value
    try:
        write_atomically(file, json.dumps({"value": value}).encode())
    except LnlbenchError as error:
        _log.warning("the facts of %s were not kept in %s: %s", name, root, error)
    return value
