"""Servers that answer slowly, for ever or with too much: each run ends, in time."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.config.registry import RegistryConfig
from npm2nixlite.fetch.job import Failure, Fetched, FetchOptions, Job
from npm2nixlite.fetch.pool import fetch_all
from npm2nixlite.integrity import parse_integrity
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GOOD = b"x" * 1000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def server(answer: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """Serves bytes as they are; the answer is given the connection, and which request it is."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()
    count = 0

    def serve(connection: socket.socket) -> None:
        nonlocal count
        with connection:
            while not stopping.is_set():
                request = b""
                while b"\r\n\r\n" not in request:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    request += piece
                count += 1
                try:
                    answer(connection, count)
                except OSError:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        stopping.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def fetch(
    base: str, tmp_path: Path, count: int = 2, *, metadata: bool = False, **options: int
) -> list[Fetched | Failure]:
    """Fetch so many, one after the other: the first one general, the others over plain HTTP."""
    config = RegistryConfig({}, tmp_path, forced=base)
    integrities = frozenset() if metadata else parse_integrity(sri(GOOD))
    jobs = [
        Job(f"p{n}", f"{base}p{n}.tgz", integrities, (f"p{n}", "1.0.0"), base, metadata, config)
        for n in range(count)
    ]
    how = FetchOptions(connections=1, retries=0, timeout=1, processes=1, **options)
    return fetch_all(jobs, Cache(tmp_path / "cache"), how)


def drip(connection: socket.socket, data: bytes, pause: float = 0.2) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(pause)


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
WAYS = [
    "nothing",
    "nothing after a 1xx",
    "1xx for ever",
    "a head that drips",
    "a head without an end",
    "a body that drips",
    "a body that stops",
]


def misbehave(connection: socket.socket, how: str) -> None:
    match how:
        case "nothing after a 1xx":
            connection.sendall(EARLY)
        case "1xx for ever":
            drip(connection, EARLY * 9999, 0.01)
        case "a head that drips":
            drip(connection, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9999)
        case "a head without an end":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(9999):
                connection.sendall(b"X: x\r\n" * 5000)
        case "a body that drips":
            connection.sendall(HEAD % 1000)
            drip(connection, GOOD)
        case "a body that stops":
            connection.sendall(HEAD % 1000 + b"x")
    time.sleep(30)


# A connection that a server of the test still writes to is told of as it is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("plain", [False, True])
def test_the_timeout_holds_in_every_phase(tmp_path: Path, how: str, *, plain: bool) -> None:
    def answer(connection: socket.socket, number: int) -> None:
        if plain and number == 1:  # a good one first: from then on, this server is asked plainly
            connection.sendall(HEAD % len(GOOD) + GOOD)
        else:
            misbehave(connection, how)

    with server(answer) as base:
        start = time.monotonic()
        outcomes = fetch(base, tmp_path, 2 if plain else 1)
        taken = time.monotonic() - start
    assert isinstance(outcomes[-1], Failure), outcomes
    assert taken < 15, outcomes


def test_a_slow_body_that_is_not_too_slow_comes_through(tmp_path: Path) -> None:
    def answer(connection: socket.socket, _: int) -> None:
        connection.sendall(HEAD % len(GOOD))
        for start in range(0, len(GOOD), 40):
            connection.sendall(GOOD[start : start + 40])
            time.sleep(0.1)

    with server(answer) as base:
        outcomes = fetch(base, tmp_path)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes), outcomes


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("plain", [False, True])
def test_a_tarball_that_is_too_large_is_refused(
    tmp_path: Path, *, announced: bool, plain: bool
) -> None:
    def answer(connection: socket.socket, number: int) -> None:
        if plain and number == 1:
            connection.sendall(HEAD % len(GOOD) + GOOD)
            return
        length = b"Content-Length: 1000000000\r\n" if announced else b"Connection: close\r\n"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with server(answer) as base:
        outcomes = fetch(base, tmp_path, max_tarball=1_000_000)
    failure = outcomes[-1]
    assert isinstance(failure, Failure)
    assert "more than 1.0 MB" in failure.reason
    assert "--max-tarball-size" in failure.hint
    assert [path.name for path in (tmp_path / "cache/partial").iterdir()] == ["lock"]


def test_metadata_that_is_too_large_is_refused(tmp_path: Path) -> None:
    def answer(connection: socket.socket, _: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"[" * 65536)

    with server(answer) as base:
        outcomes = fetch(base, tmp_path, 1, metadata=True, max_metadata=1_000_000)
    (failure,) = outcomes
    assert isinstance(failure, Failure)
    assert "--max-metadata-size" in failure.hint
