"""The plain lane: what it takes, what it leaves to the general client, and when it is used."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.fetch.answer import Head
from npm2nixlite.fetch.http1 import (
    CutShort,
    NoConnection,
    NoTls,
    NotPlain,
    Origin,
    PlainHttp,
    request,
)
from npm2nixlite.fetch.refusal import explained
from npm2nixlite.fetch.routing import Lane, Lanes
from tests.support.certificates import make_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

MESSAGE = request("registry.example", "/a", {"Accept": "*/*"})


class Server:
    """Answers each request with the next of some bytes; None closes the connection instead."""

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0)
                if answer is None:
                    break
                size = max(7, len(answer) // 20)
                for n in range(0, len(answer), size):  # in pieces, wherever they end
                    writer.write(answer[n : n + size])
                    await writer.drain()
                    await asyncio.sleep(0)
            else:
                await reader.read()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    *answers: bytes | None, silence: float = 5
) -> AsyncIterator[tuple[Server, PlainHttp, Origin]]:
    script = Server(answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    http = PlainHttp(silence)
    try:
        yield script, http, Origin("127.0.0.1", server.sockets[0].getsockname()[1], None)
    finally:
        http.close()
        server.close()
        await asyncio.sleep(0.01)


def ok(body: bytes, *fields: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class Body:
    def __init__(self) -> None:
        self.content = b""

    def take(self, piece: bytes | memoryview) -> None:
        self.content += piece


async def test_bodies_come_whole_over_one_connection() -> None:
    bodies = [b"first", b"", b"x" * 100]
    async with serving(*map(ok, bodies)) as (server, http, origin):
        for expected in bodies:
            body = Body()
            head = await http.get(origin, MESSAGE, body.take)
            assert (head.status, body.content) == (200, expected)
    assert server.connections == 1
    assert server.requests == [MESSAGE] * 3


async def test_a_server_that_closes_is_connected_to_anew() -> None:
    async with serving(ok(b"1", "Connection: close"), ok(b"2")) as (server, http, origin):
        for expected in (b"1", b"2"):
            body = Body()
            await http.get(origin, MESSAGE, body.take)
            assert body.content == expected
    assert server.connections == 2


async def test_a_connection_closed_while_idle_costs_no_failure() -> None:
    async with serving(ok(b"1"), None, ok(b"2")) as (server, http, origin):
        for expected in (b"1", b"2"):
            body = Body()
            await http.get(origin, MESSAGE, body.take)
            assert body.content == expected
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded\r\n\r\nx",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"220 mail.example\r\n\r\n",
        b"x" * 40_000,
    ],
    ids=lambda answer: answer[:60].decode().replace("\r\n", " "),
)
async def test_another_kind_of_answer_is_left_alone(answer: bytes) -> None:
    async with serving(answer) as (_, http, origin):
        body = Body()
        with pytest.raises(NotPlain):
            await http.get(origin, MESSAGE, body.take)
        assert body.content == b""


async def test_another_status_is_told_without_its_body() -> None:
    answer = b"HTTP/1.1 503 Try Later\r\nRetry-After:  7 \r\nContent-Length: 3\r\n\r\nno!"
    async with serving(answer, ok(b"2")) as (server, http, origin):
        body = Body()
        head = await http.get(origin, MESSAGE, body.take)
        assert (head.status, head.reason, head.headers["retry-after"]) == (503, "Try Later", "7")
        await http.get(origin, MESSAGE, body.take)
        assert body.content == b"2"
    assert server.connections == 2  # where that body ends is not relied on


@pytest.mark.parametrize("sent", [b"", ok(b"whole")[:-1], ok(b"")[:-4]])
async def test_an_answer_cut_short_is_noticed(sent: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], None)
        with pytest.raises(CutShort):
            await PlainHttp(5).get(origin, MESSAGE, Body().take)


async def test_bytes_beyond_the_announced_end_the_connection() -> None:
    async with serving(ok(b"1") + b"HTTP/1.1 200 OK", ok(b"2")) as (server, http, origin):
        for expected in (b"1", b"2"):
            body = Body()
            await http.get(origin, MESSAGE, body.take)
            assert body.content == expected
    assert server.connections == 2


async def test_silence_times_out() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Le", silence=0.2) as (_, http, origin):
        with pytest.raises(TimeoutError):
            await http.get(origin, MESSAGE, Body().take)


async def test_nobody_there() -> None:
    async with serving() as (_, _, origin):
        pass
    with pytest.raises(NoConnection, match="Connection refused"):
        await PlainHttp(5).get(origin, MESSAGE, Body().take)


async def test_what_the_body_is_for_may_fail() -> None:
    def full(_: bytes | memoryview) -> None:
        raise OSError(28, "No space left on device")

    async with serving(ok(b"1"), ok(b"2")) as (server, http, origin):
        with pytest.raises(OSError, match="No space left"):
            await http.get(origin, MESSAGE, full)
        body = Body()
        await http.get(origin, MESSAGE, body.take)
        assert body.content == b"2"
    assert server.connections == 2


async def test_reading_waits_for_who_takes_the_body() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    taken: list[int] = []

    def take(piece: bytes | memoryview) -> asyncio.Future[None] | None:
        taken.append(len(piece))
        return gate

    async with serving(ok(b"x" * 2_000_000), silence=0.2) as (_, http, origin):
        get = asyncio.create_task(http.get(origin, MESSAGE, take))
        await asyncio.sleep(0.5)  # longer than the timeout: it is not the server that is slow
        assert sum(taken) < 2_000_000
        gate.set_result(None)
        await get
    assert sum(taken) == 2_000_000


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/ä", "/a\x00"])
def test_no_request_is_smuggled(target: str) -> None:
    with pytest.raises(NotPlain):
        request("registry.example", target, {})


ORIGIN = Origin("registry.example", 443, None)
PLAIN = Head(200, "OK", {"content-length": "1"})
CHUNKED = Head(200, "OK", {"transfer-encoding": "chunked"})


async def test_the_first_request_scouts_for_the_others() -> None:
    lanes = Lanes()
    assert await lanes.enter(ORIGIN) is Lane.SCOUT
    others = [asyncio.create_task(lanes.enter(ORIGIN)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(other.done() for other in others)
    lanes.learn(ORIGIN, PLAIN)
    assert await asyncio.gather(*others) == [Lane.PLAIN] * 3


@pytest.mark.parametrize("answers", [[CHUNKED], [CHUNKED, PLAIN], [PLAIN, CHUNKED]])
async def test_one_answer_of_another_kind_decides(answers: list[Head]) -> None:
    lanes = Lanes()
    await lanes.enter(ORIGIN)
    for answer in answers:
        lanes.learn(ORIGIN, answer)
    assert await lanes.enter(ORIGIN) is Lane.GENERAL


async def test_a_scout_that_fails_holds_nobody_up() -> None:
    lanes = Lanes()
    await lanes.enter(ORIGIN)
    with pytest.raises(OSError, match="gone"), lanes.watching(ORIGIN):
        raise OSError("gone")
    assert await lanes.enter(ORIGIN) is Lane.GENERAL
    lanes.learn(ORIGIN, PLAIN)
    assert await lanes.enter(ORIGIN) is Lane.PLAIN


async def test_a_server_far_away_is_not_waited_for() -> None:
    lanes = Lanes()
    await lanes.enter(ORIGIN)
    assert await lanes.enter(ORIGIN) is Lane.GENERAL  # after a moment
    lanes.learn(ORIGIN, PLAIN)
    assert await lanes.enter(ORIGIN) is Lane.GENERAL


async def test_a_certificate_that_is_not_trusted_is_no_connection_that_may_come(
    tmp_path: Path,
) -> None:
    server = await asyncio.start_server(
        lambda _reader, writer: writer.close(),
        "127.0.0.1",
        0,
        ssl=make_authority(tmp_path).server_context(),
    )
    http = PlainHttp(5)
    port = server.sockets[0].getsockname()[1]
    origin = Origin("127.0.0.1", port, ssl.create_default_context())
    with pytest.raises(NoTls) as caught:
        await http.get(origin, MESSAGE, lambda _: None)
    refused = explained(caught.value, 5)
    assert str(refused).startswith("TLS failed: ")
    assert "certificate" in str(refused)
    assert not refused.transient
    assert "cafile" in refused.hint
    server.close()


async def test_a_name_that_nobody_knows_is_said_to_be_one() -> None:
    http = PlainHttp(5)
    with pytest.raises(NoConnection, match=r"(?i)name|resolution|node") as caught:
        await http.get(Origin("nowhere.invalid", 80, None), MESSAGE, lambda _: None)
    assert "Unknown error" not in str(caught.value)
