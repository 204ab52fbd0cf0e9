"""Closures by our own writer: what ``nix copy`` makes, at every kind of place, and then some."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.backends.file import FileBackend
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.plan import Options, Summary
from npm2nixlite.binarycache.push import push
from npm2nixlite.errors import BuildError
from npm2nixlite.nix import path_info
from npm2nixlite.store.narinfo import parse, render
from npm2nixlite.store.signature import SecretKey
from tests.binarycache.closures import build
from tests.support.nix import NixElsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Body
    from npm2nixlite.store.valid_path import ValidPath
    from tests.binarycache.places import Place

pytestmark = pytest.mark.nix


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NixElsewhere:
    """An empty store, which is the local one of this test."""
    own = NixElsewhere(tmp_path / "first")
    for name, value in own.environment.items():
        monkeypatch.setenv(name, value)
    return own


@pytest.fixture
def outer(store: NixElsewhere, tmp_path: Path) -> str:
    return build(store, tmp_path)


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file() and file.name != "nix-cache-info"
    }


def without_file_hashes(found: dict[str, bytes]) -> dict[str, bytes]:
    """The narinfos, without what depends on how the NARs are compressed."""
    return {
        name: re.sub(rb"(URL|FileHash|FileSize): .*\n", b"", content)
        for name, content in found.items()
        if name.endswith(".narinfo")
    }


async def pushed(place: Place, paths: list[ValidPath], options: Options | None = None) -> Summary:
    async with backend_at(place.address, retries=0) as backend:
        return await push(backend, paths, options or Options())


def secret(nix: NixElsewhere, name: str) -> SecretKey:
    return SecretKey.parse(nix.line("nix", "key", "generate-secret", "--key-name", name))


@pytest.mark.parametrize("compression", list(Compression))
async def test_files_are_byte_for_byte_those_of_nix_copy(
    store: NixElsewhere, outer: str, tmp_path: Path, compression: Compression
) -> None:
    for name in ("z-1", "a-1"):  # the order of signatures is Nix's
        key = store("nix", "key", "generate-secret", "--key-name", name)
        (tmp_path / name).write_bytes(key)
        store("nix", "store", "sign", "--recursive", "--key-file", tmp_path / name, outer)
    theirs = tmp_path / "theirs"
    store("nix", "copy", "--to", f"file://{theirs}?compression={compression}", outer)
    paths = await path_info.closure([outer])
    assert [item.store_path.name for item in paths][-1] == "outer"
    await push(FileBackend(tmp_path / "ours"), paths, Options(compression=compression))
    ours, expected = files(tmp_path / "ours"), files(theirs)
    assert len(expected) == 6
    if compression is Compression.ZSTD:  # whose versions compress what is not small differently
        ours, expected = without_file_hashes(ours), without_file_hashes(expected)
    assert ours == expected


@pytest.mark.parametrize("compression", list(Compression))
async def test_an_empty_store_substitutes_it_from_everywhere_and_trusts_the_key_only(
    place: Place, store: NixElsewhere, outer: str, tmp_path: Path, compression: Compression
) -> None:
    key = secret(store, "cache.example-1")
    paths = await path_info.closure([outer])
    summary = await pushed(place, paths, Options(compression=compression, keys=(key,)))
    assert (summary.sent, summary.present) == (3, 0)
    strict = ("require-sigs = true", f"substituters = {place.for_nix}")
    stranger = store.elsewhere(tmp_path / "stranger").with_config(*strict)
    assert stranger.run("nix-store", "--realise", outer, check=False).returncode != 0
    second = store.elsewhere(tmp_path / "second")
    second = second.with_config(*strict, f"trusted-public-keys = {key.public_key}")
    second("nix-store", "--realise", outer)
    second("nix-store", "--verify", "--check-contents")
    assert second.file(outer).read_text().endswith(f" {outer}\n")
    again = await pushed(place, paths, Options(keys=(key,)))
    assert (again.sent, again.amended, again.present) == (0, 0, 3)


async def test_what_is_unsigned_is_signed_and_a_second_key_is_added(
    place: Place, store: NixElsewhere, outer: str
) -> None:
    paths = await path_info.closure([outer])
    await pushed(place, paths)
    one, other = secret(store, "cache.example-1"), secret(store, "cache.example-2")
    for keys, amended in (((one,), 3), ((other,), 3), ((one, other), 0)):
        summary = await pushed(place, paths, Options(keys=keys))
        assert (summary.sent, summary.amended) == (0, amended)
    verify = ("nix", "store", "verify", "--store", place.for_nix, "--recursive")
    keys_ = f"{one.public_key} {other.public_key}"
    store(*verify, "--sigs-needed", "2", "--trusted-public-keys", keys_, outer)


async def test_a_path_goes_up_after_all_that_it_refers_to(outer: str, tmp_path: Path) -> None:
    events: list[str] = []

    class Watched(FileBackend):
        async def put(self, key: str, body: Body, content_type: str) -> None:
            if key.endswith(".narinfo"):
                assert isinstance(body, bytes)
                info = parse(body.decode())
                assert info.url in events
                for reference in info.references:
                    assert reference == info.path or f"{reference.digest}.narinfo" in events
            elif len(events) < 3:
                await asyncio.sleep(0.2)  # the first ones, which others refer to, take longer
            await super().put(key, body, content_type)
            events.append(key)

    await push(Watched(tmp_path / "cache"), await path_info.closure([outer]))
    assert len(events) == 7


@pytest.mark.parametrize("large", [100, 3 << 20], ids=["small", "large"])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD])
async def test_files_that_are_not_what_the_database_says_are_not_sent(
    place: Place, store: NixElsewhere, tmp_path: Path, compression: Compression, large: int
) -> None:
    outer = build(store, tmp_path, large=large)
    paths = await path_info.closure([outer])
    [tree] = [item for item in paths if item.store_path.name == "tree"]
    damaged = tree.path / "below/39"
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(damaged.stat().st_size))
    with pytest.raises(BuildError, match="do not have the hash that the local store") as caught:
        await pushed(place, [tree], Options(compression=compression))
    assert "nix-store --repair-path" in str(caught.value)
    async with backend_at(place.address) as backend:
        assert await backend.get(f"{tree.store_path.digest}.narinfo") is None


async def test_another_build_of_a_path_stays_and_is_not_signed(
    place: Place, store: NixElsewhere, outer: str
) -> None:
    paths = await path_info.closure([outer])
    await pushed(place, paths)
    mine = [replace(item, nar_hash=bytes(32)) if item.deriver else item for item in paths]
    key = secret(store, "cache.example-1")
    summary = await pushed(place, mine, Options(keys=(key,)))
    assert [path.name for path in summary.other_builds] == ["outer"]
    assert (summary.sent, summary.amended) == (0, 2)
    async with backend_at(place.address) as backend:
        raw = await backend.get(f"{paths[-1].store_path.digest}.narinfo")
    assert raw is not None
    assert not key.public_key.verifies(parse(raw.decode()))


async def test_fields_that_are_not_known_stay(
    place: Place, store: NixElsewhere, outer: str
) -> None:
    paths = await path_info.closure([outer])
    await pushed(place, paths)
    name = f"{paths[-1].store_path.digest}.narinfo"
    async with backend_at(place.address) as backend:
        raw = await backend.get(name)
        assert raw is not None
        more = raw.decode() + "System: x86_64-linux\nX-Note: a: b\n"
        await backend.put(name, more.encode(), "text/x-nix-narinfo")
        await pushed(place, paths, Options(keys=(secret(store, "k-1"),)))
        signed = await backend.get(name)
    assert signed is not None
    assert re.sub(r"Sig: .*\n", "", signed.decode()) == more
    assert "Sig: k-1:" in signed.decode()


async def test_references_that_are_wrong_are_put_right(place: Place, outer: str) -> None:
    paths = await path_info.closure([outer])
    await pushed(place, paths)
    name = f"{paths[-1].store_path.digest}.narinfo"
    async with backend_at(place.address) as backend:
        raw = await backend.get(name)
        assert raw is not None
        wrong = render(replace(parse(raw.decode()), references=()))
        await backend.put(name, wrong.encode(), "text/x-nix-narinfo")
        summary = await pushed(place, paths)
        assert [mismatch for _, mismatch in summary.mismatches] == ["its references are none"]
        assert await backend.get(name) == raw
