"""``nix-cache-info``: the file that makes a place a binary cache, and says for which store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend

__all__ = ["KEY", "is_there", "make"]

KEY = "nix-cache-info"

# Asked in bulk (WantMassQuery), and before the public cache, whose priority is 40: it is nearer.
_TEXT = "StoreDir: {store_dir}\nWantMassQuery: 1\nPriority: 30\n"


async def is_there(backend: Backend, store_dir: str) -> bool:
    """Whether the place is a binary cache already.

    Raises:
        InputError: It is one for another store directory, or the file is something else.
        BuildError: The place cannot be asked.
    """
    raw = await backend.get(KEY)
    if raw is None:
        return False
    fields = dict(
        line.split(": ", 1) for line in raw.decode(errors="replace").splitlines() if ": " in line
    )
    theirs = fields.get("StoreDir")
    where = (backend.address, KEY)
    if theirs is None:
        raise InputError(
            "this is no binary cache's file: it names no StoreDir",
            where=where,
            hint="check the address; if it is right, remove the file, and it is made anew",
        )
    if theirs != store_dir:
        raise InputError(
            f"the cache is for the store directory {theirs}, not for {store_dir}",
            where=where,
            hint="a path's hash depends on it; push to another place",
        )
    return True


async def make(backend: Backend, store_dir: str) -> None:
    """Make the place a binary cache.

    Raises:
        BuildError: It cannot be written.
    """
    text = _TEXT.format(store_dir=store_dir)
    await backend.put(KEY, text.encode(), "text/x-nix-cache-info")
