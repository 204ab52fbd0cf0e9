"""A real HTTP server on loopback that serves packages, and misbehaves on command."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.support.tarballs import sri, tarball

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

__all__ = ["Answer", "Registry", "Request", "serve_registry"]


@dataclass
class Request:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    time: float


@dataclass
class Answer:
    """What the server does with a request.

    Attributes:
        status: HTTP status.
        body: Announced in full by Content-Length.
        headers: Further ones.
        sent: How many bytes of the body are really sent before the connection is cut; None: all.
        stall: Seconds of silence before the rest of the body (or the answer, with ``sent`` None).
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    stall: float = 0.0


@dataclass
class Registry:
    """What is served, and what was asked.

    Attributes:
        base: The registry base, with a slash at its end.
        sent: Bytes of bodies that were given out.
        answers: Path → what to answer, or a list of answers of which each is given once, the last
            one from then on, or a function of the request.
    """

    base: str = ""
    answers: dict[str, Answer | list[Answer] | Callable[[Request], Answer]] = field(
        default_factory=dict
    )
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def publish(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        size: int = 0,
        path: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> bytes:
        """Serve a package's tarball, and its metadata; returns the tarball.

        Args:
            name: With its scope.
            version: Any.
            size: See `tarball`.
            path: Where the tarball is; None for npm's convention.
            metadata: Its ``dist``; None for one with its address and sha512.
        """
        data = tarball(name, version, size=size)
        path = path or f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.answers[path] = Answer(body=data)
        dist = {"tarball": f"{self.base.rstrip('/')}{path}", "integrity": sri(data)}
        known = self.packages.setdefault(name, {"name": name, "versions": {}})
        known["versions"][version] = {
            "name": name,
            "version": version,
            "dist": dist if metadata is None else metadata,
        }
        return data

    def paths(self) -> list[str]:
        """What was asked, in the order of arrival."""
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        with self.lock:
            self.requests.append(request)
            answer = self.answers.get(request.path)
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            elif answer is not None and not isinstance(answer, Answer):
                answer = answer(request)
            if answer is None and request.path.lstrip("/") in self.packages:
                body = json.dumps(self.packages[request.path.lstrip("/")]).encode()
                answer = Answer(body=body, headers={"Content-Type": "application/json"})
            return answer or Answer(404, b"{}")


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            with registry.lock:
                registry.connections += 1
            super().setup()

        def do_GET(self) -> None:
            request = Request(unquote(self.path), dict(self.headers), time.monotonic())
            answer = registry.answer(request)
            if answer.stall and answer.sent is None:
                registry.stopping.wait(answer.stall)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with registry.lock:
                registry.sent += len(answer.body[: answer.sent])
            self.wfile.write(answer.body[: answer.sent])
            if answer.sent is not None:
                self.wfile.flush()
                if answer.stall:
                    registry.stopping.wait(answer.stall)
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


@contextmanager
def serve_registry(prefix: str = "/", tls: ssl.SSLContext | None = None) -> Iterator[Registry]:
    """Serve on a free port of the loopback interface."""
    registry = Registry()
    with _Server(("127.0.0.1", 0), _handler(registry)) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        registry.base = f"{scheme}://127.0.0.1:{server.server_address[1]}{prefix}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield registry
        finally:
            registry.stopping.set()
            server.shutdown()
            thread.join()
