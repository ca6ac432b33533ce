"""An object store by its URL: whole objects below a prefix, read and written through fsspec.

Credentials come from the environment, as the file system of the URL's protocol takes them.
"""

import errno
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import fsspec

from lnlbench.errors import RunError, UsageError, unknown_name
from lnlbench.system.text import printable

EXTRA = "lnlbench[store]"
_HOW = "Give a URL such as s3://bucket/prefix or file:///shared/folder."
_READ_TOGETHER = 128


class StoreError(RunError):
    """The store failed to do what it was asked to do."""


class ObjectStore:
    """The objects below a URL; their names are paths with slashes.

    Raises:
        UsageError: the URL is invalid, holds a secret, or needs a package that is not installed.
    """

    def __init__(self, url: str) -> None:
        _check(url)
        protocol = url.partition("://")[0]
        try:
            self._files, root = fsspec.url_to_fs(url)
        except ImportError as error:
            wanted = EXTRA if protocol in ("s3", "s3a") else f"fsspec[{protocol}]"
            raise UsageError(
                f"--store {url} needs a package that is not installed: {printable(error)}. "
                f"Install it with: pip install '{wanted}'"
            ) from error
        except Exception as error:  # each file system has errors of its own
            raise UsageError(
                f"--store {url} cannot be opened: {printable(error)}. {_HOW}"
            ) from error
        self._root = str(root).rstrip("/")
        # A relative path may mean another folder in each process.
        self.url = f"file://{self._root}" if protocol in ("file", "local") else url.rstrip("/")

    def url_of(self, name: str) -> str:
        """The URL of an object."""
        return f"{self.url}/{name}"

    def names(self, folder: str) -> list[str]:
        """The names of all objects below a folder; empty if there is no such folder."""
        with self._explained("list", folder), suppress(FileNotFoundError):
            self._files.invalidate_cache()
            found = self._files.find(self._path(folder))
            return [str(each)[len(self._root) + 1 :] for each in found]
        return []

    def read(self, name: str) -> bytes | None:
        """An object's bytes; None if there is no such object."""
        with self._explained("read", name), suppress(FileNotFoundError):
            data: bytes = self._files.cat_file(self._path(name))
            return data
        return None

    def read_all(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Many objects, read several at once if the store can; leaves out objects that are gone."""
        for start in range(0, len(names), _READ_TOGETHER):
            part = {self._path(name): name for name in names[start : start + _READ_TOGETHER]}
            found = {}
            with self._explained("read", names[start]):
                found = self._files.cat(list(part), on_error="return")
            for path, data in found.items():
                if isinstance(data, bytes):
                    yield part[path], data
                elif not isinstance(data, FileNotFoundError):
                    with self._explained("read", part[path]):
                        raise data

    def write(self, name: str, data: bytes) -> None:
        """Write an object in one step; replaces an existing one."""
        path = self._path(name)
        with self._explained("write", name):
            if self._files.async_impl:
                self._files.pipe_file(path, data)
                return
            # This is a file system with folders: a reader must not see half a file.
            temporary = f"{path}.{secrets.token_hex(8)}.tmp"
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                self._files.pipe_file(temporary, data)
                self._files.mv(temporary, path)
            except BaseException:
                with suppress(Exception):
                    self._files.rm_file(temporary)
                raise

    def create(self, name: str, data: bytes) -> bool:
        """Write a new object; returns False if it exists already.

        If several processes try at once, only one succeeds, provided the store has conditional
        writes.
        """
        if self.read(name) is not None:
            return False
        path = self._path(name)
        with self._explained("write", name):
            try:
                if self._files.async_impl:
                    self._files.pipe_file(path, data, mode="create")
                else:
                    self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                    with self._files.open(path, "xb") as file:
                        file.write(data)
            except FileExistsError:
                return False
            except (NotImplementedError, TypeError, ValueError, OSError) as error:
                if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                    raise
                # Without conditional writes, the earlier look is the only protection.
                self._files.pipe_file(path, data)
        return True

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects; ignores objects that do not exist."""
        paths = [self._path(name) for name in names]
        # An object store removes many in one request.
        for part in [paths] if self._files.async_impl and paths else [[path] for path in paths]:
            with self._explained("remove", names[0]), suppress(FileNotFoundError):
                self._files.rm(part)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _explained(self, doing: str, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each file system has errors of its own
            raise StoreError(
                f"Cannot {doing} {self.url_of(name)}: {type(error).__name__}: {printable(error)}. "
                "Check the URL, the network, and the credentials in the environment."
            ) from error


def _check(url: str) -> None:
    """Refuse a URL that is not of a store that other processes can read, or that holds a secret."""
    protocol, colon, rest = url.partition("://")
    user, at, _ = rest.rpartition("@")
    if (at and ":" in user) or "?" in url:
        # The message leaves out the URL, or the log would hold the secret.
        raise UsageError(
            "The URL of --store holds a password or a query, which every process list would show. "
            "Give credentials in the environment, as your store's own tools take them."
        )
    if not colon or "::" in url:
        raise UsageError(f"--store {url} is not the URL of a store. {_HOW}")
    if protocol not in fsspec.available_protocols():
        raise unknown_name("protocol", protocol, fsspec.available_protocols(), _HOW)
    if not rest.strip("/"):
        raise UsageError(f"--store {url} names no bucket and no folder. {_HOW}")
    if protocol == "memory":
        raise UsageError(f"--store {url} lasts only as long as its process. {_HOW}")
