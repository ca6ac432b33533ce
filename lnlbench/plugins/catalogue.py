"""The names of methods, recipes and parameters, kept on disk: loading plugins takes seconds.

They serve shell completion alone, which must answer at once. The file is made again when an
installed plugin, its version, or any of its source files has changed.
"""

import hashlib
import json
import os
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ValidationError

from lnlbench.data.location import cache_dir
from lnlbench.plugins.loading import GROUP, load_plugins
from lnlbench.plugins.registry import ENVIRONMENT
from lnlbench.system.atomic import write_atomically

FILE = "names.json"


class MethodNames(BaseModel):
    """What can be typed of one method."""

    recipes: list[str]
    parameters: list[str]


class Names(BaseModel):
    """What can be typed of all methods; `key` says which plugins it was read from."""

    key: str
    methods: dict[str, MethodNames]


def known_names() -> dict[str, MethodNames]:
    """The methods of the installed plugins with their recipes and parameters, by name."""
    file, key = cache_dir() / FILE, _key()
    try:
        kept = Names.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        kept = None
    if kept is None or kept.key != key:
        plugins = load_plugins()
        methods = {
            name: MethodNames(
                recipes=sorted(method.recipes), parameters=sorted(method.Params.model_fields)
            )
            for name, method in sorted(plugins.methods.items())
        }
        kept = Names(key=key, methods=methods)
        _keep(file, kept)
    return kept.methods


def _keep(file: Path, names: Names) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, names.model_dump_json().encode())
    except Exception:  # a full disk or a read-only home: the next completion is slow again
        return


def _key() -> str:
    found = [os.environ.get(ENVIRONMENT)]
    for each in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        version = each.dist.version if each.dist else None
        found.append(json.dumps([each.name, each.value, version, _sources(each)]))
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _sources(point: EntryPoint) -> list[tuple[str, int]]:
    """The source files of a plugin's top package, with the times when they were changed."""
    try:
        spec = find_spec(point.value.partition(":")[0].partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return []
    origin = Path(spec.origin)
    files = origin.parent.rglob("*.py") if origin.name == "__init__.py" else [origin]
    return sorted((str(file), file.stat().st_mtime_ns) for file in files)
