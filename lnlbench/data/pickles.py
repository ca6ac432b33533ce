"""Reading the pickles in which data sets are published, without running what they contain.

A pickle is a program: plain unpickling of a downloaded file can do anything. This reader gives
harmless stand-ins for the few names that published files use, and refuses every other name.
"""

import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from lnlbench.errors import DataError, shown
from lnlbench.system.unpickling import BoundedUnpickler

MAX_BYTES = 1 << 30
_LONGEST_NAME = 100
_LONGEST_REASON = 300
_DTYPES = frozenset({"u1", "i4", "i8"})


class _ForbiddenGlobal(pickle.UnpicklingError):
    """The pickle names something that is not on the list."""


def _text(value: object) -> str:
    # Python 2 pickles hold byte strings where Python 3 pickles hold text.
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise pickle.UnpicklingError(f"a {type(value).__name__} in the place of a text")


class _Dtype:
    """Stands in for numpy.dtype: whole numbers only."""

    def __init__(self, code: object, *_flags: object) -> None:
        self.code = _text(code)
        if self.code not in _DTYPES:
            raise pickle.UnpicklingError(f"array of type {shown(self.code)}")
        self.dtype = np.dtype(self.code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        byte_order = _text(state[1])
        if byte_order not in ("<", ">", "|"):
            raise pickle.UnpicklingError(f"byte order {shown(byte_order)}")
        self.dtype = np.dtype(byte_order + self.code)


class _Array:
    """Stands in for numpy.ndarray and its maker: numpy itself sees only checked bytes."""

    def __init__(self, *_arguments: object) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, fortran_order, data = state
        if not isinstance(kind, _Dtype) or not isinstance(data, bytes):
            raise pickle.UnpicklingError("array state of the wrong types")
        flat = np.frombuffer(data, kind.dtype)
        self.value = flat.reshape(shape, order="F" if fortran_order else "C")


def _encode(text: str, encoding: str) -> bytes:
    # Any other codec name would import a module of the pickle's choosing.
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes in encoding {shown(encoding)}")
    return text.encode("latin-1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _RestrictedUnpickler(BoundedUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _ForbiddenGlobal(f"{module}.{name}"[:_LONGEST_NAME])
        return _ALLOWED[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle file: text keys, numpy arrays, and plain Python values.

    Raises DataError when the file is missing, damaged, too large, or names anything but arrays.
    """
    _check_file(path)
    try:
        with path.open("rb") as stream:
            return _load(stream, path.stat().st_size, path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}).") from error


def read_torch_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a file written by `torch.save`: numpy arrays and lists, but no tensors.

    Raises DataError as `read_pickle` does.
    """
    _check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
            if len(members) != 1 or members[0].file_size > MAX_BYTES:
                raise DataError(
                    f"{path} is not a label file: it holds {len(members)} 'data.pkl' of at most "
                    f"{MAX_BYTES} bytes, and exactly one is expected. Download it again."
                )
            with archive.open(members[0]) as stream:
                return _load(stream, members[0].file_size, path)
    except DataError:
        raise
    except Exception as error:  # a damaged archive can raise almost anything
        raise _damaged(path, error) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{path} has {size} bytes; no data file is larger than {MAX_BYTES} bytes.")


def _load(stream: IO[bytes], size: int, path: Path) -> dict[str, Any]:
    try:
        content = _RestrictedUnpickler(stream, size).load()
        if not isinstance(content, dict):
            raise DataError(f"{path} holds a {type(content).__name__}; expected a dictionary.")
        found = {_text(key): _plain(value) for key, value in content.items()}
    except _ForbiddenGlobal as error:
        raise DataError(
            f"{path} was refused: its pickle asks for '{error}', which no data file needs and "
            "which could run code. Nothing was executed. Delete the file and get it from the "
            "official place ('lnlbench data fetch')."
        ) from error
    except DataError:
        raise
    except Exception as error:  # a damaged pickle can raise almost anything
        raise _damaged(path, error) from error
    return found


def _plain(value: object) -> object:
    return value.value if isinstance(value, _Array) else value


def _damaged(path: Path, error: Exception) -> DataError:
    reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
    return DataError(
        f"{path} is truncated or corrupted ({reason}). "
        "Delete it and get it again ('lnlbench data fetch'), or copy it again from its source."
    )
