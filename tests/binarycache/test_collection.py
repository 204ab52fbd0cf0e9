"""What a collection removes, what it keeps, and what pushes that go on meanwhile come to."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.backend import CollectableBackend
from npm2nixlite.binarycache.backends.file import FileBackend
from npm2nixlite.binarycache.check import CheckOptions, check
from npm2nixlite.binarycache.collection import (
    Garbage,
    Retention,
    collect,
    find_garbage,
    no_collection,
)
from npm2nixlite.binarycache.push import push
from npm2nixlite.cache import Cache
from npm2nixlite.errors import BuildError
from npm2nixlite.publish.options import PushOptions
from npm2nixlite.publish.push import push as push_all
from npm2nixlite.sources.collect import SourceOptions
from npm2nixlite.store.narinfo import parse, render
from tests.binarycache.places import Place, fixed_file, s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.path import StorePath

NOW = Retention(since=None, roots=(), grace=0.0)


@pytest.fixture(params=["file", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    if request.param == "file":
        yield Place(f"file://{tmp_path}/cache", f"file://{tmp_path}/cache")
        return
    with s3() as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def chain(tmp_path: Path) -> list[FixedFile]:
    """Five files; in the cache, each is said to refer to the next, but for the third."""
    noise = random.Random(7)
    return [fixed_file(tmp_path, f"{number}.tgz", noise.randbytes(1_000)) for number in range(5)]


async def fill(backend: Backend, chain: list[FixedFile]) -> list[StorePath]:
    await push(backend, chain)
    paths = [file.store_path() for file in chain]
    for number, path in enumerate(paths[:-1]):
        raw = await backend.get(f"{path.digest}.narinfo")
        assert raw is not None
        info = replace(parse(raw.decode()), references=(paths[number + 1],) if number != 2 else ())
        await backend.put(info.key, render(info).encode(), "text/x-nix-narinfo")
    return paths


async def there(backend: Backend) -> set[str]:
    return {key async for key, _ in backend.list()}


def collectable(backend: Backend) -> CollectableBackend:
    assert isinstance(backend, CollectableBackend)
    return backend


async def test_roots_stay_with_all_that_they_refer_to(place: Place, chain: list[FixedFile]) -> None:
    async with backend_at(place.address) as backend:
        paths = await fill(backend, chain)
        keep = replace(NOW, roots=[paths[1]])
        before = await there(backend)
        dry = await find_garbage(backend, keep)
        assert await there(backend) == before
        assert [path.name for path in dry.paths.values()] in (
            ["0.tgz", "3.tgz", "4.tgz"],
            ["3.tgz", "4.tgz", "0.tgz"],
            ["3.tgz", "0.tgz", "4.tgz"],
        )
        assert (dry.kept, len(dry.nars)) == (2, 3)
        done = await collect(collectable(backend), keep)
        assert (done.paths, done.nars) == (dry.paths, dry.nars)
        found = await check(backend, CheckOptions("/nix/store", deep=True))
        assert (found.paths, found.faults, found.unused) == (2, {}, [])
        assert set(found.named.values()) == {paths[1], paths[2]}
        assert (await push(backend, chain[:1])).sent == 1


async def test_what_is_new_stays(tmp_path: Path, chain: list[FixedFile]) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        paths = await fill(backend, chain)
        for number, path in enumerate(paths):
            when = time.time() - (5 - number) * 86_400
            os.utime(tmp_path / f"cache/{path.digest}.narinfo", (when, when))
        for since, kept in ((2.5, {3, 4}), (3.5, {2, 3, 4}), (4.5, {1, 2, 3, 4})):
            garbage = await find_garbage(
                backend, Retention(since=time.time() - since * 86_400, grace=0.0)
            )
            assert garbage.kept == len(kept)
        assert (await find_garbage(backend, Retention(roots=()))).nars == {}, "the grace"
        lost = await find_garbage(backend, replace(NOW, roots=[replace(paths[0], digest="0" * 32)]))
        assert [path.digest for path in lost.lost_roots] == ["0" * 32]


async def test_at_every_moment_the_cache_is_whole(tmp_path: Path, chain: list[FixedFile]) -> None:
    faults: list[dict[str, str]] = []

    class Watched(FileBackend):
        async def remove(self, key: str) -> None:
            await super().remove(key)
            found = await check(FileBackend(tmp_path / "cache"), CheckOptions("/nix/store"))
            faults.append(found.faults)

    backend = Watched(tmp_path / "cache")
    await fill(backend, chain)
    await collect(backend, NOW)
    assert faults == [{}] * 10
    assert await there(backend) == {"nix-cache-info", "npm2nixlite-collection"}


async def test_what_cannot_be_read_stays(tmp_path: Path, chain: list[FixedFile]) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await fill(backend, chain)
        key = f"{'0' * 32}.narinfo"
        await backend.put(key, b"?", "text/plain")
        garbage: Garbage = await collect(collectable(backend), NOW)
        assert garbage.unreadable == [key]
        assert key in await there(backend)


def test_a_push_during_which_a_collection_ran_asks_again(
    tmp_path: Path, chain: list[FixedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collection runs when the push has found everything there, and removes all of it."""
    from npm2nixlite.binarycache import pool
    from npm2nixlite.publish import push as module
    from npm2nixlite.sources.collect import Sources

    cache = FileBackend(tmp_path / "cache")
    asyncio.run(push(cache, chain))
    send = pool.send_all
    collections = 0

    def collect_then_send(*arguments: object) -> object:
        nonlocal collections
        collections += 1
        if collections == 1:
            asyncio.run(collect(cache, NOW))
        return send(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pool, "send_all", collect_then_send)
    monkeypatch.setattr(module, "read_sources", lambda *_: Sources(local=chain))
    options = PushOptions(sources=SourceOptions(Cache(tmp_path / "downloads")))
    done = push_all([Path("any")], [], [f"file://{tmp_path}/cache"], options)
    assert collections == 2
    [store] = done.stores
    assert store.sources is not None
    assert store.sources.summary is not None
    assert store.sources.summary.sent == len(chain)
    found = asyncio.run(check(cache, CheckOptions("/nix/store")))
    assert (found.paths, found.faults) == (len(chain), {})


async def test_a_push_waits_for_a_collection_but_not_for_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npm2nixlite.binarycache.collection._POLL", 0.01)
    backend = FileBackend(tmp_path / "cache")

    async def note(state: str, age: float) -> None:
        text = json.dumps({"state": state, "token": state, "time": time.time() - age})
        await backend.put("npm2nixlite-collection", text.encode(), "application/json")

    await note("running", 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(no_collection(backend), 0.2)
    with pytest.raises(BuildError, match="another collection runs"):
        await collect(backend, NOW)
    await note("running", 1_000)
    assert await no_collection(backend) == "running"
    await note("done", 0)
    assert await no_collection(backend) == "done"
    await backend.put("npm2nixlite-collection", b"?", "text/plain")
    assert await no_collection(backend) == ""
