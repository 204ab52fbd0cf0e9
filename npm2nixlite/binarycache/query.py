"""Asking a cache what it has of some files, and whether what it says of them is true."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.nar_file import nar_fault
from npm2nixlite.binarycache.pack import is_quick, nar_sha256, nar_size
from npm2nixlite.errors import InputError
from npm2nixlite.store.narinfo import NarInfo, parse
from npm2nixlite.store.signature import sign
from npm2nixlite.store.valid_path import ValidPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import SecretKey

__all__ = ["Amend", "Elsewhere", "OtherBuild", "Present", "Send", "State", "ask"]


@dataclass(frozen=True, slots=True)
class Present:
    """The cache has the file and says the truth about it."""


@dataclass(frozen=True, slots=True)
class OtherBuild:
    """The cache has the path, whole, but from a build that came out differently.

    It stays as it is: others may have it from there already. We do not sign it.
    """


@dataclass(frozen=True, slots=True)
class Amend:
    """The cache has the file, but its narinfo lacks the content address or our signature.

    Attributes:
        info: The narinfo as it ought to be.
    """

    info: NarInfo


@dataclass(frozen=True, slots=True)
class Send:
    """The cache has not got the file, or has a narinfo that is wrong.

    Attributes:
        mismatch: What is wrong with the narinfo that is there; empty where there is none.
    """

    mismatch: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The cache has not got the file, and need not: an upstream cache has it."""


State = Present | OtherBuild | Amend | Send | Elsewhere


async def ask(
    backend: Backend,
    item: FixedFile | ValidPath,
    path: StorePath,
    keys: Sequence[SecretKey] = (),
) -> State:
    """Find out what the cache has of one file, or store path.

    A file's own hash, or the store's database, says what its narinfo must be, so a wrong one is
    told from a right one, whoever wrote it. A file is read only where there is a narinfo to compare
    it with. The NAR has to be there, too, of the size that its narinfo says.

    Args:
        backend: The cache.
        item: The file, or the store path.
        path: Its store path.
        keys: The keys that the narinfo is to be signed with.

    Raises:
        BuildError: The cache cannot be asked.
        FetchError: The file cannot be read.
    """
    raw = await backend.get(f"{path.digest}.narinfo")
    if raw is None:
        return Send()
    try:
        info = parse(raw.decode())
    except (InputError, UnicodeDecodeError) as error:
        return Send(f"it cannot be read: {getattr(error, 'what', 'it is not text')}")
    other_build = isinstance(item, ValidPath) and _is_other_build(info, item)
    mismatch = "" if other_build else await _disagreement(info, item, path)
    mismatch = mismatch or await nar_fault(backend, info)
    if mismatch:
        return Send(mismatch)
    if other_build:
        return OtherBuild()
    truth = replace(info, ca=item.content_address)
    for key in keys:
        if not key.public_key.verifies(truth):
            truth = sign(truth, key)
    return Present() if truth == info else Amend(truth)


def _is_other_build(info: NarInfo, item: ValidPath) -> bool:
    """Whether it is of the same derivation, whose builds need not come out the same."""
    return (
        info.path == item.store_path
        and not item.content_address
        and not info.ca
        and info.nar_hash != item.nar_hash
    )


async def _disagreement(info: NarInfo, item: FixedFile | ValidPath, path: StorePath) -> str:
    if info.path != path:
        return f"it says it is of {info.path}"
    if info.ca not in {"", item.content_address}:
        return f"its content address is {info.ca}"
    if isinstance(item, ValidPath):
        return _disagreement_with_store(info, item)
    if info.references:
        return "it has references, which a file fixed by its hash has not"
    if info.nar_size != nar_size(item):
        return f"its NAR's size is {info.nar_size}"
    if is_quick(item):
        nar_hash = nar_sha256(item)
    else:
        nar_hash = await asyncio.to_thread(nar_sha256, item)
    return "" if info.nar_hash == nar_hash else f"its NAR's hash is {info.nar_hash.hex()}"


def _disagreement_with_store(info: NarInfo, item: ValidPath) -> str:
    if info.nar_hash != item.nar_hash:
        return f"its NAR's hash is {info.nar_hash.hex()}"
    if info.nar_size != item.nar_size:
        return f"its NAR's size is {info.nar_size}"
    if set(info.references) != set(item.references):
        return f"its references are {' '.join(map(str, info.references)) or 'none'}"
    return ""
