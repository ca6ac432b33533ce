"""A look at a PyTorch file before torch reads it: does its pickle hold tensors alone?"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

from lnlbench.system.unpickling import BoundedUnpickler

_MAX_BYTES = 64 << 20
# The older format: a number, a version, facts of the machine, the tensors, the storages' names.
_PICKLES_OF_OLD_FORMAT = 5


class _Anything:
    """Stands in for the objects that torch would make; it makes no tensor."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass


class _Nothing(_Anything):
    """Stands for OrderedDict, which would hash whatever it is given."""

    def __init__(self) -> None:
        pass


class _Rehearsal(BoundedUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _Nothing
        if module.partition(".")[0] == "torch":
            return _Anything
        raise pickle.UnpicklingError("it asks for more than tensors")

    def persistent_load(self, _identity: object) -> Any:
        return _Anything()


def check_tensor_file(path: Path) -> None:
    """Refuse a file whose pickle could keep torch busy, or crash it.

    Raises:
        Exception: of any class, for a file that is damaged or holds more than tensors.
    """
    if not zipfile.is_zipfile(path):
        size = path.stat().st_size
        with path.open("rb") as stream:
            for _ in range(_PICKLES_OF_OLD_FORMAT):
                _Rehearsal(stream, size).load()
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".pkl"):
                continue
            if member.file_size > _MAX_BYTES:
                raise pickle.UnpicklingError("its pickle is too large")
            with archive.open(member) as stream:
                _Rehearsal(stream, member.file_size).load()
