"""What is there is looked at: a narinfo counts only with its NAR, of the right size."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.cache_info import ensure
from npm2nixlite.binarycache.push import push
from npm2nixlite.store.narinfo import NarInfo, parse, render
from tests.binarycache.places import fixed_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.fixed_file import FixedFile
    from tests.binarycache.places import Place


@pytest.fixture
def file(tmp_path: Path) -> FixedFile:
    return fixed_file(tmp_path, "a-1.0.0.tgz", random.Random(3).randbytes(5_000))


async def info_of(backend: Backend, file: FixedFile) -> NarInfo:
    raw = await backend.get(f"{file.store_path().digest}.narinfo")
    assert raw is not None
    return parse(raw.decode())


async def test_a_nar_that_was_cut_or_is_missing_is_sent_again(
    place: Place, file: FixedFile, tmp_path: Path
) -> None:
    other = fixed_file(tmp_path, "b-1.0.0.tgz", b"other")
    async with backend_at(place.address) as backend:
        await push(backend, [file, other])
        info = await info_of(backend, file)
        whole = [piece async for piece in backend.read(info.url)]
        await backend.put(info.url, b"".join(whole)[:-8], "application/x-nix-nar")
        summary = await push(backend, [file, other])
        [(path, mismatch)] = summary.mismatches
        assert (summary.sent, summary.present, path) == (1, 1, file.store_path())
        assert mismatch == f"its NAR has {info.nar_size - 8} bytes, not {info.nar_size}"
        assert [piece async for piece in backend.read(info.url)] == whole
        missing = replace(info, url="nar/absent.nar")
        await backend.put(info.key, render(missing).encode(), "text/x-nix-narinfo")
        summary = await push(backend, [file])
        assert [text for _, text in summary.mismatches] == ["its NAR is missing: nar/absent.nar"]
        assert await info_of(backend, file) == info


CONTRADICTIONS: dict[str, Callable[[NarInfo, NarInfo], NarInfo]] = {
    "another's address": lambda info, other: replace(info, url=other.url),
    "another compression": lambda info, _: replace(info, compression="xz"),
    "another name": lambda info, _: replace(info, url=f"{info.url}.xz"),
    "two sizes": lambda info, _: replace(info, file_size=info.nar_size - 1),
    "two hashes": lambda info, _: replace(info, file_hash=bytes(32)),
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
async def test_a_narinfo_that_contradicts_itself_is_put_right(
    tmp_path: Path, file: FixedFile, change: str
) -> None:
    other = fixed_file(tmp_path, "b-1.0.0.tgz", random.Random(4).randbytes(5_000))
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, [file, other])
        info = await info_of(backend, file)
        wrong = CONTRADICTIONS[change](info, await info_of(backend, other))
        await backend.put(info.key, render(wrong).encode(), "text/x-nix-narinfo")
        summary = await push(backend, [file, other])
        assert (summary.sent, len(summary.mismatches)) == (1, 1)
        assert await info_of(backend, file) == info


async def test_a_narinfo_without_the_files_size_and_hash_is_as_good(
    tmp_path: Path, file: FixedFile
) -> None:
    """What attic and nix-serve give; their names of NARs say nothing, either."""
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        await push(backend, [file])
        info = await info_of(backend, file)
        pieces = [piece async for piece in backend.read(info.url)]
        theirs = replace(info, url="nar/some.nar", file_size=None, file_hash=None)
        await backend.put(theirs.url, b"".join(pieces), "application/x-nix-nar")
        await backend.put(info.key, render(theirs).encode(), "text/x-nix-narinfo")
        assert (await push(backend, [file])).present == 1


@pytest.mark.parametrize(
    ("there", "priority", "expected"),
    [
        (None, None, "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n"),
        (None, 10, "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10\n"),
        (
            "StoreDir: /nix/store\n",  # as Nix itself makes it
            None,
            "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n",
        ),
        (
            "StoreDir: /nix/store\nPriority: 50\nWantMassQuery: 0\n",
            None,
            "StoreDir: /nix/store\nPriority: 50\nWantMassQuery: 0\n",
        ),
        (
            "StoreDir: /nix/store\nPriority: 50\nWantMassQuery: 0\n",
            20,
            "StoreDir: /nix/store\nPriority: 20\nWantMassQuery: 0\n",
        ),
    ],
)
async def test_a_cache_says_how_it_is_to_be_asked(
    tmp_path: Path, there: str | None, priority: int | None, expected: str
) -> None:
    async with backend_at(f"file://{tmp_path}/cache") as backend:
        if there is not None:
            await backend.put("nix-cache-info", there.encode(), "text/x-nix-cache-info")
        await ensure(backend, "/nix/store", priority)
        assert await backend.get("nix-cache-info") == expected.encode()
