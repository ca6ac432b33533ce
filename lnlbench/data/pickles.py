"""Reading the pickles in which data sets are published, without running what they contain.

A pickle is a program: plain unpickling of a downloaded file can do anything. This reader gives
harmless stand-ins for the few names that published files use, and refuses every other name.
"""

import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from lnlbench.errors import DataError

MAX_BYTES = 1 << 30
_MAX_MEMO = 1_000_000
_DTYPES = frozenset({"u1", "i4", "i8"})


class _ForbiddenGlobal(pickle.UnpicklingError):
    """The pickle names something that is not on the list."""


def _text(value: object) -> str:
    # Python 2 pickles hold byte strings where Python 3 pickles hold text.
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Dtype:
    """Stands in for numpy.dtype: whole numbers only."""

    def __init__(self, code: object, *_flags: object) -> None:
        self.code = _text(code)
        if self.code not in _DTYPES:
            raise pickle.UnpicklingError(f"array of type {self.code!r}")
        self.dtype = np.dtype(self.code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        byte_order = _text(state[1])
        if byte_order not in ("<", ">", "|"):
            raise pickle.UnpicklingError(f"byte order {byte_order!r}")
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
        raise pickle.UnpicklingError(f"bytes in encoding {encoding!r}")
    return text.encode("latin-1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _ForbiddenGlobal(f"{module}.{name}")
        return _ALLOWED[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle file: text keys, numpy arrays, and plain Python values.

    Raises DataError when the file is missing, damaged, too large, or names anything but arrays.
    """
    _check_file(path)
    try:
        with path.open("rb") as stream:
            return _load(stream, path)
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
                return _load(stream, path)
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError) as error:
        raise _damaged(path, error) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{path} has {size} bytes; no data file is larger than {MAX_BYTES} bytes.")


def _load(stream: IO[bytes], path: Path) -> dict[str, Any]:
    try:
        _check_memo(stream)
        stream.seek(0)
        content = _RestrictedUnpickler(stream, encoding="bytes").load()
    except _ForbiddenGlobal as error:
        raise DataError(
            f"{path} was refused: its pickle asks for '{error}', which no data file needs and "
            "which could run code. Nothing was executed. Delete the file and get it from the "
            "official place ('lnlbench data fetch')."
        ) from error
    except Exception as error:  # a damaged pickle can raise almost anything
        raise _damaged(path, error) from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a {type(content).__name__}; expected a dictionary.")
    return {_text(key): _plain(value) for key, value in content.items()}


def _check_memo(stream: IO[bytes]) -> None:
    # Five bytes can name memo place 4,294,967,295, for which Python then clears 64 GB of memory.
    for opcode, argument, _position in pickletools.genops(stream):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and (argument or 0) > _MAX_MEMO:
            raise pickle.UnpicklingError(f"memo place {argument}")


def _plain(value: object) -> object:
    return value.value if isinstance(value, _Array) else value


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} is truncated or corrupted ({type(error).__name__}: {error}). "
        "Delete it and get it again ('lnlbench data fetch'), or copy it again from its source."
    )
