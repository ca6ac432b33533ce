"""Read a pickle step by step, so that it cannot keep Python busy forever.

A few bytes of a pickle can ask for a number of gigabytes, or for a key whose hash takes years or
overflows the stack. No data file needs any of them.
"""

import pickle
import struct
from collections.abc import Iterable
from typing import IO, Any, ClassVar

_MAX_NUMBER_BYTES = 64
_MAX_MEMO = 1_000_000
_KEYS = (str, bytes, int, bool, type(None))


_Unpickler: Any = vars(pickle)["_Unpickler"]  # the one that is written in Python


class BoundedUnpickler(_Unpickler):
    """Python's own unpickler, with texts, bytes and small whole numbers alone as keys.

    A subclass answers in `find_class` every name that the pickle asks for. No more than `size`
    bytes are read at a time. Raises any error for a pickle that is damaged.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, stream: IO[bytes], size: int) -> None:
        super().__init__(_Bounded(stream, size), encoding="bytes")

    def load_setitem(self) -> None:
        """Check the key first."""
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Check the keys first."""
        _check_keys(self.stack[::2])
        super().load_setitems()

    def load_dict(self) -> None:
        """Check the keys first."""
        _check_keys(self.stack[::2])
        super().load_dict()

    def load_additems(self) -> None:
        """Check what a set is to hold."""
        _check_keys(self.stack)
        super().load_additems()

    def load_frozenset(self) -> None:
        """Check what a set is to hold."""
        _check_keys(self.stack)
        super().load_frozenset()

    def load_long4(self) -> None:
        """Refuse a long number."""
        (size,) = struct.unpack("<i", self.read(4))
        if not 0 <= size <= _MAX_NUMBER_BYTES:
            raise pickle.UnpicklingError(f"a whole number of {size} bytes")
        self.append(int.from_bytes(self.read(size), "little", signed=True))

    def load_put(self) -> None:
        """Refuse a place far beyond what the pickle can have remembered."""
        self._remember(int(self.readline()[:20]))

    def load_long_binput(self) -> None:
        """As `load_put`."""
        self._remember(struct.unpack("<I", self.read(4))[0])

    def _remember(self, place: int) -> None:
        if not 0 <= place <= _MAX_MEMO:
            raise pickle.UnpicklingError(f"memo place {place}")
        self.memo[place] = self.stack[-1]

    def load_build(self) -> None:
        """Let objects alone set their state that say how."""
        if not hasattr(type(self.stack[-2]), "__setstate__"):
            raise pickle.UnpicklingError(f"state for a {type(self.stack[-2]).__name__}")
        super().load_build()

    for _opcode, _step in (
        (pickle.SETITEM, load_setitem),
        (pickle.SETITEMS, load_setitems),
        (pickle.DICT, load_dict),
        (pickle.ADDITEMS, load_additems),
        (pickle.FROZENSET, load_frozenset),
        (pickle.LONG4, load_long4),
        (pickle.PUT, load_put),
        (pickle.LONG_BINPUT, load_long_binput),
        (pickle.BUILD, load_build),
    ):
        dispatch[_opcode[0]] = _step


def _check_keys(keys: Iterable[Any]) -> None:
    for key in keys:
        if type(key) not in _KEYS:
            raise pickle.UnpicklingError(f"a key of type {type(key).__name__}")
        if type(key) is int and key.bit_length() > 8 * _MAX_NUMBER_BYTES:
            raise pickle.UnpicklingError("a key of too many digits")


class _Bounded:
    """A stream that makes no room for more bytes than its file has."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, count: int) -> bytes:
        return self._stream.read(min(count, self._size))

    def readline(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise EOFError("it ends inside a line")
        return line
