"""A server on this machine that stands for the official places of the data sets."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lnlbench.data.sources import SOURCES, Source

_PIECE = 2**16


class _Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; can cut connections, ignore ranges, be slow, or lie about lengths."""

    protocol_version = "HTTP/1.0"

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        body = server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if self.headers.get("Range") and server.ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else len(body)
        sent = body[start : start + cut]
        for place in range(0, len(sent), _PIECE):
            self.wfile.write(sent[place : place + _PIECE])
            time.sleep(server.pause)

    def log_message(self, *_arguments):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Says nothing: a client that was killed closes its connection."""


@contextmanager
def serving() -> Iterator[_Server]:
    """A server of `files` by path; `pause` is the number of seconds after each 64 KiB."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.files, server.requests, server.cuts, server.ranges = {}, [], [], True
        server.pause = 0.0
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def offer(name: str, sources: Sequence[Source]) -> None:
    """Let this process fetch a data set from elsewhere."""
    SOURCES[name] = tuple(sources)


def archive(members) -> bytes:
    """A tar.gz of pairs of a name, or a TarInfo, and its content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def md5(content: bytes) -> str:
    """A checksum as `Source` has it."""
    return f"md5:{hashlib.md5(content).hexdigest()}"
