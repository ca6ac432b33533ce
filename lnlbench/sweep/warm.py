"""Processes of runs that are forked from a server, which has imported torch and the plugins."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from lnlbench.sweep.process import PROGRAM, Process

_LOST_SECONDS = 5.0


class WarmProcesses:
    """Starts processes by forks, as long as a fork is like a fresh process; else gives None.

    Linux alone can fork a process that has loaded such libraries, and CUDA does not work in a fork.
    """

    def __init__(self) -> None:
        self._servers: list[_Server] = []
        self._possible = sys.platform == "linux"

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: int, log: int
    ) -> Process | None:
        """Fork `lnlbench` with these arguments; its output and its log go to these open files."""
        if not self._possible:
            return None
        found = None
        if self._servers:
            found = self._servers[-1].fork(arguments, environment, output, log)
        if found is None:
            # There is none yet, it has died, or a file that it has imported has changed.
            self._servers.append(_Server(environment))
            found = self._servers[-1].fork(arguments, environment, output, log)
            self._possible = found is not None
        return found

    def close(self) -> None:
        """End the servers, and with them the processes that still run."""
        for server in self._servers:
            server.close()
        self._servers = []


class _Server:
    """A server of forks; its threads are set by the environment that it starts with."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*PROGRAM, str(os.getpid()), "--serve", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                process_group=0,
            )

    def fork(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: int, log: int
    ) -> "_Forked | None":
        request = {"arguments": list(arguments), "environment": dict(environment)}
        text = json.dumps(request).encode() + b"\n"
        pipe, theirs = os.pipe()
        try:
            sent = socket.send_fds(self._channel, [text], [output, log, theirs])
            self._channel.sendall(text[sent:])
        except OSError:
            os.close(pipe)
            return None
        finally:
            os.close(theirs)
        answer = os.read(pipe, 64).partition(b"\n")
        if not answer[0].isdigit():
            os.close(pipe)
            return None
        return _Forked(int(answer[0]), pipe, answer[2])

    def close(self) -> None:
        self._channel.close()
        self._process.kill()  # it may still be importing
        self._process.wait()


class _Forked:
    """A forked process; it is the child of its server, which tells how it ended."""

    def __init__(self, pid: int, pipe: int, told: bytes) -> None:
        self.pid = pid
        self._pipe = pipe
        self._told = told
        self._code: int | None = None
        os.set_blocking(pipe, False)

    def poll(self) -> int | None:
        """The exit code, negative if a signal ended the process; None while it runs."""
        if self._code is not None:
            return self._code
        with suppress(BlockingIOError):
            told = os.read(self._pipe, 64)
            self._told += told
            if self._told.endswith(b"\n"):
                self._code = int(self._told)
            elif not told:
                self._code = self._lost()
        if self._code is not None:
            os.close(self._pipe)
        return self._code

    def terminate(self) -> None:
        """Ask the process to end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def _lost(self) -> int:
        """Wait for the end of a process whose server has died: it kills itself."""
        deadline = time.monotonic() + _LOST_SECONDS
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self.pid, signal.SIGKILL)
                time.sleep(0.01)
        return -signal.SIGKILL
