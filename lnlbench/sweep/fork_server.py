"""The server that forks the processes of runs, because importing torch anew takes seconds.

A fork has a copy of the server's memory, and of its threads only the one that forked. A pool of
threads would be lost while its locks stay taken, so the server forks only while it is alone: it has
run nothing in parallel, and no GPU. Each fork begins its own pools, as a fresh process does.

A request is a line of JSON with the arguments and the environment, and three open files: standard
output, standard error, and a pipe. The server writes the fork's process ID into the pipe, and later
the exit code, each on a line; or `REFUSED`, if a fork would not be like a fresh process.
"""

import array
import gc
import json
import os
import selectors
import signal
import socket
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import lnlbench
from lnlbench.plugins import load_plugins
from lnlbench.system.stamps import loaded_files, stamps

REFUSED = "refused"
# What runs import, besides the plugins; the optimizers of torch import its compiler.
_PRELOADED = ("lnlbench.cli", "lnlbench.runner.series", "sklearn.datasets", "torch._dynamo")
_FILES = 3
_TASKS = Path("/proc/self/task")
# pyarrow's allocator, which prepares for a fork itself
_CARED_FOR = ("jemalloc_bg_thd",)


class ForkServer:
    """Forks a process for each request that comes through a socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        for module in _PRELOADED:
            import_module(module)
        load_plugins()
        files = loaded_files()
        self._stamps = stamps(files)
        changed = [max(times[:2]) for times in self._stamps.values()]
        self._outdated = max(changed, default=0) > lnlbench.IMPORTED_NS
        self._pipes: dict[int, int] = {}  # of the running forks, by process ID
        with warnings.catch_warnings(action="ignore"):  # of Python, about the threads of OpenBLAS
            _end_threads_of_openblas()
        # So that collecting garbage does not write to memory that all forks share.
        gc.collect()
        gc.freeze()

    def serve(self) -> list[str]:
        """Fork until the socket is closed, then end; returns only in a fork, with its arguments."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake)
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == woken:
                        os.read(woken, 4096)
                        self._reap()
                        continue
                    request, files = self._receive()
                    if self._fork(files):
                        signal.set_wakeup_fd(-1)
                        signal.signal(signal.SIGCHLD, before)
                        for each in (woken, wake, *self._pipes.values()):
                            os.close(each)
                        self._channel.close()
                        os.environ.clear()
                        os.environ.update(request["environment"])
                        arguments: list[str] = request["arguments"]
                        return arguments

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        size = _FILES * array.array("i").itemsize
        text, ancillary, _, _ = self._channel.recvmsg(1 << 16, socket.CMSG_SPACE(size))
        files = array.array("i")
        for _, _, data in ancillary:
            files.frombytes(data[:size])
        while text and not text.endswith(b"\n"):
            text += self._channel.recv(1 << 16)
        if not text:
            # The sweep is gone, and its runs end with their parent.
            os._exit(0)
        return json.loads(text), list(files)

    def _fork(self, files: Sequence[int]) -> bool:
        """Whether this process is the fork."""
        output, log, pipe = files
        own = self._is_like_a_fresh_process()
        child = os.fork() if own else None
        if child == 0:
            os.setpgid(0, 0)
            os.dup2(output, 1)
            os.dup2(log, 2)
        elif child is not None:
            with suppress(OSError):  # the fork has done it, or has ended
                os.setpgid(child, child)
            self._pipes[child] = pipe
        for each in (output, log):
            os.close(each)
        if child != 0:
            _tell(pipe, REFUSED if child is None else child)
        if not child:
            os.close(pipe)
        return child == 0

    def _is_like_a_fresh_process(self) -> bool:
        return not self._outdated and not _other_threads() and stamps(self._stamps) == self._stamps

    def _reap(self) -> None:
        while self._pipes:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            pipe = self._pipes.pop(child)
            _tell(pipe, os.waitstatus_to_exitcode(status))
            os.close(pipe)


def _other_threads() -> bool:
    """Whether threads run that a fork would lack, and that nothing starts again in it."""
    names = []
    for task in _TASKS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            names.append((task / "comm").read_text().strip())
    return len([name for name in names if name not in _CARED_FOR]) > 1


def _tell(pipe: int, what: str | int) -> None:
    with suppress(BrokenPipeError):
        os.write(pipe, f"{what}\n".encode())


def _end_threads_of_openblas() -> None:
    """OpenBLAS starts threads when it is loaded, ends them before a fork, and starts them again."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
