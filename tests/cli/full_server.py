"""A server that takes PUT until it is full, which nginx says as 500 and cannot say as 507."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["serve_until_full"]


@contextmanager
def serve_until_full(root: Path, room: int) -> Iterator[str]:
    """Serve a directory; gives its address.

    Args:
        root: Where the files are, and go.
        room: How many uploads there is room for.
    """
    left = room
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            file = root / self.path.lstrip("/")
            found = file.is_file()
            self._answer(200 if found else 404, file.read_bytes() if found else b"")

        do_HEAD = do_GET  # noqa: N815

        def do_PUT(self) -> None:
            nonlocal left
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                left -= 1
                full = left < 0
            if not full:
                file = root / self.path.lstrip("/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(body)
            self._answer(507 if full else 201, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            """Clients that give up are what is tested."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
