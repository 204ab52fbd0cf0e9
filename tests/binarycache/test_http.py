"""Faults of web servers: nginx where it can have them, a server that is told to where it cannot."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.backends.http import HttpBackend
from npm2nixlite.binarycache.credentials import Credentials
from npm2nixlite.binarycache.push import push
from npm2nixlite.errors import BuildError
from tests.binarycache.places import LARGE, fixed_file, free_port, nginx
from tests.support.certificates import make_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from npm2nixlite.store.fixed_file import FixedFile

    Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class Scripted:
    """A cache in memory, whose ``fault`` may answer instead."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.fault: Fault | None = None
        self.address = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization")
        self.requests.append((request.method, request.path, authorization))
        if self.fault is not None:
            faulty = await self.fault(request)
            if faulty is not None:
                return faulty
        if request.method == "PUT":
            self.stored[request.path] = await request.read()
            return web.Response(status=201)
        if request.path in self.stored:
            return web.Response(body=self.stored[request.path])
        return web.Response(status=404)

    def puts(self) -> list[str]:
        return [path for method, path, _ in self.requests if method == "PUT"]


@pytest.fixture
async def start() -> AsyncIterator[Callable[[], Awaitable[Scripted]]]:
    runners: list[web.AppRunner] = []

    async def started() -> Scripted:
        scripted = Scripted()
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{tail:.*}", scripted.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        scripted.address = f"http://127.0.0.1:{port}"
        return scripted

    yield started
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def server(start: Callable[[], Awaitable[Scripted]]) -> Scripted:
    return await start()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; they take a hundredth of their time."""
    waits: list[float] = []

    async def shorter(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(seconds / 100)

    monkeypatch.setattr("npm2nixlite.binarycache.retry.sleep", shorter)
    return waits


async def pushed(address: str, files: list[FixedFile], **options: object) -> None:
    async with backend_at(address, **options) as backend:  # type: ignore[arg-type]
        await push(backend, files)


def once(status: int, at: str, headers: dict[str, str] | None = None, times: int = 1) -> Fault:
    """Answer with a status, a few times, where ``METHOD PATH`` contains ``at``."""
    left = times

    async def fault(request: web.Request) -> web.Response | None:
        nonlocal left
        if left and at in f"{request.method} {request.path}":
            left -= 1
            return web.Response(status=status, headers=headers)
        return None

    return fault


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("at", ["GET /nix-cache-info", "PUT /nar/", ".narinfo"])
async def test_what_is_transient_is_tried_again(
    server: Scripted, files: list[FixedFile], status: int, at: str
) -> None:
    server.fault = once(status, at, times=3)
    await pushed(server.address, files)
    assert len([path for path in server.stored if path.endswith(".narinfo")]) == len(files)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "give credentials"),
        (403, "these credentials may not do this"),
        (405, "takes no PUT here"),
        (409, "directory is missing"),
        (413, "client_max_body_size"),
        (501, "knows no PUT"),
        (507, "the server is full"),
        (418, "answered 418"),
    ],
)
async def test_what_is_final_is_tried_once_and_says_what_to_do(
    server: Scripted, files: list[FixedFile], status: int, says: str
) -> None:
    server.fault = once(status, "PUT /nar/", times=99)
    with pytest.raises(BuildError, match=says) as caught:
        await pushed(server.address, files[:1])
    assert caught.value.exit_status == 4
    assert f"{server.address}/nar/" in str(caught.value)
    assert len([path for path in server.puts() if "/nar/" in path]) == 1
    assert not any(path.endswith(".narinfo") for path in server.stored)
    server.fault = None
    await pushed(server.address, files)
    assert len([path for path in server.stored if path.endswith(".narinfo")]) == len(files)


async def test_a_server_that_fills_up_halfway_keeps_whole_what_it_has(
    server: Scripted, files: list[FixedFile]
) -> None:
    async def full(request: web.Request) -> web.Response | None:
        if request.method == "PUT" and len(server.stored) > 5:
            return web.Response(status=507)
        return None

    server.fault = full
    with pytest.raises(BuildError, match="answered 507"):
        await pushed(server.address, files)
    for path, content in server.stored.items():
        if path.endswith(".narinfo"):
            url = content.decode().partition("URL: ")[2].partition("\n")[0]
            assert f"/{url}" in server.stored


async def test_the_wait_that_a_server_asks_for_is_kept(
    server: Scripted, files: list[FixedFile], short_waits: list[float]
) -> None:
    server.fault = once(503, "PUT /nar/", {"Retry-After": "7"})
    await pushed(server.address, files[:1])
    assert short_waits == [7.0]


async def test_a_server_that_asks_to_wait_for_an_hour_is_told_about(
    server: Scripted, files: list[FixedFile], short_waits: list[float]
) -> None:
    server.fault = once(429, "PUT /nar/", {"Retry-After": "3600"})
    with pytest.raises(BuildError, match="asks to come back in 3600 s"):
        await pushed(server.address, files[:1])
    assert short_waits == []


async def test_waits_grow_and_end(
    server: Scripted, files: list[FixedFile], short_waits: list[float]
) -> None:
    server.fault = once(500, "PUT /nar/", times=99)
    with pytest.raises(BuildError, match=r"answered 500 .*\(6 attempts\)"):
        await pushed(server.address, files[:1])
    assert len(short_waits) == 5
    assert short_waits[-1] > 3 * short_waits[0]


async def test_a_server_that_is_down_is_named(files: list[FixedFile]) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(BuildError, match=r"no connection: .*(6 attempts)") as caught:
        await pushed(address, files)
    assert address in str(caught.value)
    assert caught.value.exit_status == 4


async def test_a_server_that_comes_back_is_used(tmp_path: Path, files: list[FixedFile]) -> None:
    port = free_port()

    async def later() -> None:
        async with backend_at(f"http://127.0.0.1:{port}", retries=500) as backend:
            await push(backend, files)

    task = asyncio.create_task(later())
    await asyncio.sleep(0.05)
    assert not task.done()
    with nginx(tmp_path / "server", port=port):
        await task
        assert len(list((tmp_path / "server/www").glob("*.narinfo"))) == len(files)


async def test_a_connection_cut_in_the_middle_of_a_body_is_tried_again(
    server: Scripted, files: list[FixedFile]
) -> None:
    cuts = 2

    async def cut(request: web.Request) -> None:
        nonlocal cuts
        if cuts and "/nar/" in request.path:
            cuts -= 1
            await request.content.readany()
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(1)

    server.fault = cut
    await pushed(server.address, files[1:2])
    [nar] = [body for path, body in server.stored.items() if path.startswith("/nar/")]
    assert len(nar) > LARGE


@pytest.mark.parametrize("reads", [False, True], ids=["the body", "the answer"])
async def test_a_server_at_which_nothing_moves_is_given_up(
    server: Scripted, files: list[FixedFile], reads: bool
) -> None:
    async def hang(request: web.Request) -> None:
        if "/nar/" in request.path:
            if reads:
                await request.read()
            await asyncio.sleep(1_000)

    server.fault = hang
    backend = HttpBackend(server.address, connections=2, retries=1, stalled=0.3)
    async with backend:
        with pytest.raises(BuildError, match=r"nothing moved for 0\.3 seconds \(2 attempts\)"):
            await push(backend, [*files[1:2]])


async def test_a_slow_server_is_waited_for_as_long_as_something_moves(
    server: Scripted, tmp_path: Path
) -> None:
    file = fixed_file(tmp_path, "large.tgz", os.urandom(24 << 20))

    async def slow(request: web.Request) -> None:
        if "/nar/" in request.path:
            for _ in range(5):
                taken = 0
                while taken < 4 << 20:
                    taken += len(await request.content.read(4 << 20))
                await asyncio.sleep(0.7)

    server.fault = slow
    backend = HttpBackend(server.address, connections=2, retries=0, stalled=2.5)
    async with backend:
        await push(backend, [file])


async def test_credentials_go_along_and_are_never_shown(
    server: Scripted, files: list[FixedFile]
) -> None:
    port = server.address.rpartition(":")[2]
    address = f"http://us%40er:se%3Acret@127.0.0.1:{port}"
    expected = Credentials.basic("us@er", "se:cret").authorization
    await pushed(address, files)
    assert {authorization for *_, authorization in server.requests} == {expected}
    server.fault = once(403, "PUT", times=99)
    server.stored.clear()
    with pytest.raises(BuildError) as caught:
        await pushed(address, files)
    assert "se" + ":cret" not in str(caught.value)
    assert "se%3Acret" not in str(caught.value)
    assert "se%3Acret" not in repr(caught.value.__cause__)


async def test_a_token_goes_along(server: Scripted, files: list[FixedFile]) -> None:
    await pushed(server.address, files, credentials=Credentials.bearer("t0ken"))
    assert {authorization for *_, authorization in server.requests} == {"Bearer t0ken"}


async def test_a_netrc_is_found(
    server: Scripted, files: list[FixedFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password it\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    await pushed(server.address, files)
    expected = "Basic bWU6aXQ="
    assert {authorization for *_, authorization in server.requests} == {expected}


async def test_credentials_do_not_follow_a_redirect_to_another_origin(
    start: Callable[[], Awaitable[Scripted]], files: list[FixedFile]
) -> None:
    cache, other = await start(), await start()
    other.stored["/nix-cache-info"] = b"StoreDir: /nix/store\n"

    async def elsewhere(request: web.Request) -> web.Response | None:
        if request.method == "GET":
            return web.Response(status=302, headers={"Location": other.address + request.path})
        return None

    cache.fault = elsewhere
    await pushed(cache.address, files, credentials=Credentials.bearer("t0ken"))
    assert len({path for _, path, _ in other.requests}) == 1 + len(files)
    assert {authorization for *_, authorization in other.requests} == {None}


async def test_an_upload_that_is_redirected_says_where_to(
    server: Scripted, files: list[FixedFile]
) -> None:
    server.fault = once(301, "PUT", {"Location": "http://user:secret@cache.example/x"}, times=9)
    with pytest.raises(BuildError, match=r"redirects to: http://cache\.example/x") as caught:
        await pushed(server.address, files)
    assert "secret" not in str(caught.value)


async def test_a_proxy_is_used(
    server: Scripted, files: list[FixedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "")
    await pushed("http://cache.example", files[:1])
    assert "/nix-cache-info" in server.stored


async def test_nginx_asks_for_the_password(tmp_path: Path, files: list[FixedFile]) -> None:
    with nginx(tmp_path / "server", users={"me": "it"}) as place:
        with pytest.raises(BuildError, match="answered 401"):
            await pushed(place.address, files)
        with pytest.raises(BuildError, match="answered 401"):
            await pushed(place.address, files, credentials=Credentials.basic("me", "wrong"))
        await pushed(place.address, files, credentials=Credentials.basic("me", "it"))
    assert len(list((tmp_path / "server/www").glob("*.narinfo"))) == len(files)


@pytest.mark.parametrize(
    ("location", "body", "says"),
    [
        ("", "client_max_body_size 0;", "dav_methods PUT"),
        ("dav_methods PUT;", "client_max_body_size 0;", "create_full_put_path on"),
        ("dav_methods PUT; create_full_put_path on;", "", "client_max_body_size 0"),
        ("deny all;", "", "may not do this"),
    ],
)
async def test_nginx_set_up_wrongly_is_told_what_it_lacks(
    tmp_path: Path, files: list[FixedFile], location: str, body: str, says: str
) -> None:
    with (
        nginx(tmp_path / "server", location=location, body=body) as place,
        pytest.raises(BuildError, match=says),
    ):
        await pushed(place.address, files[1:2])
    assert not list((tmp_path / "server/www").glob("*.narinfo"))


async def test_https_is_spoken_with_whom_an_authority_vouches_for_only(
    files: list[FixedFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path / "authority")
    scripted = Scripted()
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{tail:.*}", scripted.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=authority.server_context()).start()
    try:
        monkeypatch.delenv("NIX_SSL_CERT_FILE", raising=False)
        with pytest.raises(BuildError, match="TLS failed") as caught:
            await pushed(f"https://127.0.0.1:{port}", files)
        assert "NIX_SSL_CERT_FILE" in str(caught.value)
        monkeypatch.setenv("NIX_SSL_CERT_FILE", str(authority.ca))
        for _ in range(2):
            await pushed(f"https://127.0.0.1:{port}", files)
    finally:
        await runner.cleanup()
    assert len([path for path in scripted.puts() if path.endswith(".narinfo")]) == len(files)
