"""A loopback server that answers as a test wants it to, and a cache of the test's own."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from course_utils.pretrained import fetch as fetch_module

Answer = Callable[[BaseHTTPRequestHandler], None]


class Loopback(ThreadingHTTPServer):
    """Answers every GET with `answer`, and remembers the headers of each request."""

    daemon_threads = True
    block_on_close = False
    answer: Answer

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Message] = []
        self.url = f"http://127.0.0.1:{self.server_port}/weights.bin"

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """A client that hangs up is no fault of the test."""

    @staticmethod
    def send(
        handler: BaseHTTPRequestHandler,
        body: bytes,
        *,
        cut: int | None = None,
        ranges: bool = True,
        etag: str | None = '"1"',
        **headers: str,
    ) -> None:
        """Answer like a web server: `body`, or the rest that is asked for; the line goes dead after `cut` bytes."""
        start = 0
        asked = handler.headers.get("Range")
        if ranges and asked and handler.headers.get("If-Range") in (None, etag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body) and start:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(body) - start))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body[start:] if cut is None else body[start : start + cut])


class _Handler(BaseHTTPRequestHandler):
    server: Loopback

    def do_GET(self) -> None:
        self.server.asked.append(self.headers)
        self.server.answer(self)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A server on this computer, reached without a proxy; no pause before a second try."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch_module, "PAUSE", 0)
    with Loopback() as loopback:
        thread = threading.Thread(target=loopback.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield loopback
        loopback.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, where torch.hub and the course look."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    return tmp_path / "torch" / "hub"
