"""What is pushed, the real Nix substitutes into an empty store, trusting nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.plan import Options
from npm2nixlite.binarycache.push import push
from npm2nixlite.store.signature import SecretKey

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.store.fixed_file import FixedFile
    from tests.binarycache.places import Place
    from tests.support.nix import NixElsewhere

pytestmark = pytest.mark.nix

NOWHERE = "http://127.0.0.1:1"  # what a registry looks like that cannot be reached


def fetches(files: list[FixedFile]) -> str:
    """Nix's own fetcher for each file: what a generated file's sources are."""
    return "\n".join(
        [
            "[",
            *(
                f'(import <nix/fetchurl.nix> {{ url = "{NOWHERE}/{file.name}"; '
                f'hash = "{file.integrity}"; }})'
                for file in files
            ),
            "]",
        ]
    )


@pytest.mark.parametrize("compression", list(Compression))
async def test_nix_substitutes_fixed_outputs_from_everywhere_without_a_trusted_key(
    nix: NixElsewhere,
    place: Place,
    files: list[FixedFile],
    tmp_path: Path,
    compression: Compression,
) -> None:
    async with backend_at(place.address) as backend:
        await push(backend, files, Options(compression=compression))
    (tmp_path / "fetches.nix").write_text(fetches(files))
    second = nix.elsewhere(tmp_path / "second").with_config(f"substituters = {place.for_nix}")
    built = second("nix-build", "--no-out-link", tmp_path / "fetches.nix").decode().split()
    assert built == [str(file.store_path()) for file in files]
    for file in files:
        got = second.root / str(file.store_path()).lstrip("/")
        assert got.read_bytes() == file.path.read_bytes()
    second("nix-store", "--verify", "--check-contents")


@pytest.mark.parametrize("compression", list(Compression))
async def test_nix_agrees_with_every_word_of_our_narinfos(
    nix: NixElsewhere, place: Place, files: list[FixedFile], compression: Compression
) -> None:
    async with backend_at(place.address) as backend:
        await push(backend, files, Options(compression=compression))
    paths = [str(file.store_path()) for file in files]
    store = ["--store", place.for_nix]
    nix("nix", "store", "verify", *store, *paths)
    told = nix.path_info(*store, *paths)
    for file in files:
        # The path that Nix makes itself of the same bytes has the same hash and size.
        nix("nix-store", "--add-fixed", "sha512", _named(file))
        [own] = nix.path_info(str(file.store_path())).values()
        theirs = told[str(file.store_path())]
        for field in ("narHash", "narSize", "references", "ca"):
            assert theirs[field] == own[field]
        assert not theirs.get("signatures")


async def test_a_signed_path_verifies_with_the_trusted_key_and_with_no_other(
    nix: NixElsewhere, place: Place, files: list[FixedFile]
) -> None:
    secret = nix("nix", "key", "generate-secret", "--key-name", "cache.example-1").decode()
    key = SecretKey.parse(secret)
    other = nix("nix", "key", "generate-secret", "--key-name", "cache.example-2").decode()
    async with backend_at(place.address) as backend:
        await push(backend, files, Options(keys=(key,)))
    paths = [str(file.store_path()) for file in files]
    verify = ["nix", "store", "verify", "--sigs-needed", "1", "--store", place.for_nix]
    nix(*verify, "--trusted-public-keys", str(key.public_key), *paths)
    for entry in nix.path_info("--store", place.for_nix, *paths).values():
        assert len(entry["signatures"]) == 1
    assert key.public_key.name != SecretKey.parse(other).public_key.name


async def test_a_compressed_cache_of_zeros_is_small(
    place: Place, tmp_path: Path, nix: NixElsewhere
) -> None:
    from tests.binarycache.places import fixed_file

    file = fixed_file(tmp_path, "zeros.tar", bytes(5 << 20))
    for compression in (Compression.ZSTD, Compression.XZ):
        async with backend_at(place.address) as backend:
            summary = await push(backend, [file], Options(compression=compression))
        if compression is Compression.ZSTD:
            assert 0 < summary.sent_bytes < 10_000
        else:
            assert summary.present == 1
    nix("nix", "store", "verify", "--store", place.for_nix, str(file.store_path()))


def _named(file: FixedFile) -> Path:
    directory = file.path.parent / f"named-{file.integrity.hex[:10]}-{file.name}"
    directory.mkdir(exist_ok=True)
    named = directory / file.name
    if not named.exists():
        named.hardlink_to(file.path)
    return named
