"""Asking a cache what it has of some files, and whether what it says of them is true."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.pack import is_quick, nar_sha256, nar_size
from npm2nixlite.errors import InputError
from npm2nixlite.store.narinfo import NarInfo, parse
from npm2nixlite.store.signature import sign

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import SecretKey

__all__ = ["Amend", "Present", "Send", "State", "ask"]


@dataclass(frozen=True, slots=True)
class Present:
    """The cache has the file and says the truth about it."""


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


State = Present | Amend | Send


async def ask(
    backend: Backend, file: FixedFile, path: StorePath, key: SecretKey | None = None
) -> State:
    """Find out what the cache has of one file.

    The file's own hash says what its narinfo must be, so a wrong one is told from a right one,
    whoever wrote it. The file is read only where there is a narinfo to compare it with.

    Args:
        backend: The cache.
        file: The file.
        path: Its store path.
        key: The key that the narinfo is to be signed with.

    Raises:
        BuildError: The cache cannot be asked.
        FetchError: The file cannot be read.
    """
    narinfo_key = f"{path.digest}.narinfo"
    raw = await backend.get(narinfo_key)
    if raw is None:
        return Send()
    try:
        info = parse(raw.decode())
    except (InputError, UnicodeDecodeError) as error:
        return Send(mismatch=f"it cannot be read: {getattr(error, 'what', 'it is not text')}")
    ca = file.content_address
    mismatch = await _disagreement(info, file, path, ca)
    if mismatch:
        return Send(mismatch)
    truth = replace(info, ca=ca)
    if key is not None and not key.public_key.verifies(truth):
        truth = sign(truth, key)
    return Present() if truth == info else Amend(truth)


async def _disagreement(info: NarInfo, file: FixedFile, path: StorePath, ca: str) -> str:
    if info.path != path:
        return f"it says it is of {info.path}"
    if info.ca not in {"", ca}:
        return f"its content address is {info.ca}"
    if info.references:
        return "it has references, which a file fixed by its hash has not"
    if info.nar_size != nar_size(file):
        return f"its NAR's size is {info.nar_size}"
    if is_quick(file):
        nar_hash = nar_sha256(file)
    else:
        nar_hash = await asyncio.to_thread(nar_sha256, file)
    return "" if info.nar_hash == nar_hash else f"its NAR's hash is {info.nar_hash.hex()}"
