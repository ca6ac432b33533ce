"""The lease of a store: only one sweep writes to the store, and others learn which sweep it is."""

import getpass
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from lnlbench.errors import LnlbenchError, RunError, UsageError
from lnlbench.sweep.store.object_store import ObjectStore, StoreError
from lnlbench.system.text import printable

LEASE_NAME = "sweep.lock"
# Seconds between two signs of life of a sweep, for people who wonder whether it still runs.
RENEW_SECONDS = 60.0


class Holder(BaseModel):
    """The content of the lease: which sweep holds the store."""

    model_config = ConfigDict(frozen=True)

    token: str
    owner: str
    since: datetime
    seen: datetime


class Lease:
    """The right to write to a store, which this process holds from `acquire` to `release`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        now = datetime.now(UTC)
        self._holder = Holder(token=secrets.token_hex(4), owner=_owner(), since=now, seen=now)
        self._renewed = time.monotonic()

    @contextmanager
    def held(self, take_over: str | None, warn: Callable[[str], None]) -> Iterator[None]:
        """Hold the lease while the block runs.

        Raises:
            UsageError: another sweep holds it, and is not the one to take over from.
            StoreError: the store cannot be read or written.
        """
        self.acquire(take_over)
        try:
            yield
        finally:
            try:
                self.release()
            except LnlbenchError as error:
                warn(f"{error} The next sweep needs --take-over {self._holder.token}")

    def acquire(self, take_over: str | None = None) -> None:
        """Take the lease; `take_over` is the token of a dead sweep, whose lease is then replaced.

        Raises:
            UsageError: another sweep holds it.
            StoreError: the store cannot be read or written.
        """
        held = self._read()
        if take_over is not None and held is not None and held.token == take_over:
            self._store.remove([LEASE_NAME])
        self._store.create(LEASE_NAME, self._bytes())
        # Without conditional writes two sweeps may both create it; the last one then holds it.
        held = self._read()
        if held is None or held.token != self._holder.token:
            raise UsageError(self._refusal(held))
        self._renewed = time.monotonic()

    def verify(self) -> None:
        """Make sure that the lease is still held.

        Raises:
            RunError: another sweep has taken it over, or the lease was removed.
            StoreError: the store cannot be read.
        """
        held = self._read()
        if held is None or held.token != self._holder.token:
            by = "was removed" if held is None else f"was taken over by {printable(held.owner)}"
            raise RunError(
                f"{self._store.url_of(LEASE_NAME)} {by}: this sweep may no longer write to "
                f"{self._store.url}, and stops. Its runs keep the checkpoints that are there."
            )

    def renew(self, warn: Callable[[str], None]) -> None:
        """Write a sign of life from time to time; retries later if the store cannot be reached.

        Raises:
            RunError: the lease is lost.
        """
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        try:
            self.verify()
            self._holder = self._holder.model_copy(update={"seen": datetime.now(UTC)})
            self._store.write(LEASE_NAME, self._bytes())
        except StoreError as error:
            warn(f"{error} The sweep continues.")

    def release(self) -> None:
        """Give the lease back, unless another sweep has taken it over."""
        held = self._read()
        if held is not None and held.token == self._holder.token:
            self._store.remove([LEASE_NAME])

    def _bytes(self) -> bytes:
        return (self._holder.model_dump_json(indent=2) + "\n").encode()

    def _read(self) -> Holder | None:
        """The sweep that holds the store; None if the store is free."""
        data = self._store.read(LEASE_NAME)
        if data is None:
            return None
        try:
            return Holder.model_validate_json(data)
        except ValidationError as error:
            raise UsageError(
                f"{self._store.url_of(LEASE_NAME)} cannot be understood, so it does not tell "
                "which sweep holds the store. If no sweep uses the store, remove this object."
            ) from error

    def _refusal(self, held: Holder | None) -> str:
        if held is None:
            return f"{self._store.url_of(LEASE_NAME)} was removed. Start the sweep again."
        return (
            f"Another sweep writes to {self._store.url}: started by {printable(held.owner)} at "
            f"{held.since:%Y-%m-%d %H:%M:%S} UTC, last seen {held.seen:%Y-%m-%d %H:%M:%S} UTC. "
            "Wait for it, or stop it. A running sweep is seen every minute; if it is dead, take "
            f"over from it: --take-over {printable(held.token)}"
        )


def _owner() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may give its user no name
        user = "unknown user"
    return f"{user} on {socket.gethostname()}, process {os.getpid()}"
