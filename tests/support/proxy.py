"""A real HTTP proxy on loopback: absolute addresses for http, CONNECT for https."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Proxy", "serve_proxy"]


@dataclass
class Proxy:
    """What the proxy was asked for.

    Attributes:
        address: HOST:PORT of it.
        demanded: The ``Proxy-Authorization`` it wants; None for none.
        requests: ``METHOD TARGET`` of each, with its headers.
    """

    address: str = ""
    demanded: str | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _admitted(self) -> bool:
            proxy.requests.append((f"{self.command} {self.path}", dict(self.headers)))
            if proxy.demanded in {None, self.headers.get("Proxy-Authorization")}:
                return True
            self.send_response(407)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False

        def do_GET(self) -> None:
            if not self._admitted():
                return
            target = urlsplit(self.path)
            upstream = http.client.HTTPConnection(target.netloc, timeout=20)
            upstream.request("GET", target.path, headers=_end_to_end(self.headers.items()))
            answer = upstream.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in _end_to_end(answer.getheaders()).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            upstream.close()

        def do_CONNECT(self) -> None:
            if not self._admitted():
                return
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=20) as upstream:
                self.send_response(200)
                self.end_headers()
                _join(self.connection, upstream)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _end_to_end(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    hop = {"proxy-authorization", "proxy-connection", "connection", "content-length"}
    return {name: value for name, value in headers if name.lower() not in hop}


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one end closes."""
    ends = {one: other, other: one}
    while True:
        for end in select.select([*ends], [], [], 20)[0]:
            data = end.recv(65536)
            if not data:
                return
            ends[end].sendall(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients hang up when they have what they wanted."""


@contextmanager
def serve_proxy(demanded: str | None = None) -> Iterator[Proxy]:
    """Serve on a free port of the loopback interface."""
    proxy = Proxy(demanded=demanded)
    with _Server(("127.0.0.1", 0), _handler(proxy)) as server:
        proxy.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
