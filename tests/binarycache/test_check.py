"""Damage of every kind in real caches is found, and only damage."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.check import Check, CheckOptions, check
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.plan import Options
from npm2nixlite.binarycache.push import push
from npm2nixlite.errors import InputError, UsageError
from npm2nixlite.store.narinfo import NarInfo, parse, render
from tests.binarycache.places import LARGE, fixed_file, nginx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.fixed_file import FixedFile
    from tests.binarycache.places import Place

SHALLOW, DEEP = CheckOptions("/nix/store"), CheckOptions("/nix/store", deep=True)


async def info_of(backend: Backend, file: FixedFile) -> NarInfo:
    raw = await backend.get(f"{file.store_path().digest}.narinfo")
    assert raw is not None
    return parse(raw.decode())


async def put(backend: Backend, info: NarInfo) -> None:
    await backend.put(info.key, render(info).encode(), "text/x-nix-narinfo")


def listed(found: Check) -> list[str]:
    return [re.sub(r"nar/\S+|[0-9]+ bytes", "…", fault) for fault in found.faults.values()]


async def test_a_cache_that_was_pushed_has_no_faults(place: Place, files: list[FixedFile]) -> None:
    paths = [file.store_path() for file in files]
    async with backend_at(place.address) as backend:
        for options in (Options(compression=kind) for kind in Compression):
            await push(backend, files, options)
        for how in (SHALLOW, DEEP):
            found = await check(backend, how, paths)
            assert (found.paths, found.faults) == (len(files), {})
        assert found.read_bytes > LARGE


@pytest.mark.parametrize("compression", list(Compression))
async def test_each_compression_is_read(
    tmp_path: Path, files: list[FixedFile], compression: Compression
) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, files, Options(compression=compression))
        assert (await check(backend, DEEP)).faults == {}
        info = await info_of(backend, files[1])
        pieces = b"".join([piece async for piece in backend.read(info.url)])
        damaged = bytearray(pieces)
        damaged[len(damaged) // 2] ^= 1
        await backend.put(info.url, bytes(damaged), "application/x-nix-nar")
        assert (await check(backend, SHALLOW)).faults == {}
        [fault] = (await check(backend, DEEP)).faults.values()
        assert "its NAR" in fault


FAULTS: dict[str, tuple[Callable[[NarInfo], NarInfo], str]] = {
    "missing NAR": (lambda info: replace(info, url="nar/x.nar"), "its NAR is missing: …"),
    "size": (
        lambda info: replace(info, url="nar/other.nar", file_size=None),
        "its NAR has …, not 112",
    ),
    "compression": (
        lambda info: replace(info, url="nar/other", compression="xz", file_size=None),
        "its NAR is not compressed as it says: xz",
    ),
    "reference": (
        lambda info: replace(info, references=(replace(info.path, digest="0" * 32),)),
        "it refers to what is not there",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_narinfo_that_does_not_fit_is_found(tmp_path: Path, fault: str) -> None:
    file = fixed_file(tmp_path, "a.tgz", b"")
    other = fixed_file(tmp_path, "b.tgz", bytes(100))
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, [file, other])
        pieces = [piece async for piece in backend.read((await info_of(backend, other)).url)]
        for key in ("nar/other.nar", "nar/other"):
            await backend.put(key, b"".join(pieces), "application/x-nix-nar")
        change, expected = FAULTS[fault]
        await put(backend, change(await info_of(backend, file)))
        found = await check(backend, SHALLOW)
        [(key, text)] = found.faults.items()
        assert key.startswith(file.store_path().digest)
        assert expected in [text, *listed(found)] or text.startswith(expected)


async def test_narinfos_that_cannot_be_read_or_are_of_another_path_are_found(
    tmp_path: Path, files: list[FixedFile]
) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, files)
        one, other = files[0].store_path(), files[1].store_path()
        await backend.put(f"{one.digest}.narinfo", b"<html>", "text/html")
        text = await backend.get(f"{other.digest}.narinfo")
        assert text is not None
        third = f"{files[2].store_path().digest}.narinfo"
        await backend.put(third, text, "text/x-nix-narinfo")
        found = await check(backend, SHALLOW)
        assert set(found.faults) == {f"{one.digest}.narinfo", third}
        assert found.faults[third] == f"it is of another path: {other}"


async def test_nars_that_nobody_names_are_counted(tmp_path: Path, files: list[FixedFile]) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, files)
        await backend.put("nar/cut.nar", bytes(100), "application/x-nix-nar")
        found = await check(backend, SHALLOW)
        assert (found.unused, found.unused_bytes, found.faults) == (["nar/cut.nar"], 100, {})


async def test_nginx_lists_a_cache_where_it_is_told_to(
    tmp_path: Path, files: list[FixedFile]
) -> None:
    taking = "dav_methods PUT; create_full_put_path on; "
    with nginx(tmp_path / "server", location=taking) as place:
        async with backend_at(place.address) as backend:
            await push(backend, files)
            with pytest.raises(UsageError, match="does not tell what it has") as caught:
                await check(backend, SHALLOW)
            assert "autoindex_format json" in str(caught.value)
    listing = taking + "autoindex on; autoindex_format json;"
    with nginx(tmp_path / "server", location=listing) as place:
        (tmp_path / "server/www" / (lost := _nars(tmp_path)[0])).unlink()
        async with backend_at(place.address) as backend:
            found = await check(backend, SHALLOW)
    assert found.paths == len(files)
    assert all(lost in fault for fault in found.faults.values())
    assert found.faults


def _nars(tmp_path: Path) -> list[str]:
    root = tmp_path / "server/www"
    return [str(file.relative_to(root)) for file in root.glob("nar/*")]


async def test_what_is_no_cache_is_refused(tmp_path: Path) -> None:
    async with backend_at(f"file://{tmp_path}") as backend:
        with pytest.raises(InputError, match="there is no binary cache"):
            await check(backend, SHALLOW)


async def test_paths_that_are_named_are_looked_at_with_what_they_refer_to(
    tmp_path: Path,
) -> None:
    noise = random.Random(5)
    first, second, third = (
        fixed_file(tmp_path, f"{number}.tgz", noise.randbytes(50)) for number in range(3)
    )
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, [first, second, third])
        info = await info_of(backend, first)
        await put(backend, replace(info, references=(second.store_path(),)))
        found = await check(backend, SHALLOW, [first.store_path()])
        assert (found.paths, found.faults) == (2, {})
