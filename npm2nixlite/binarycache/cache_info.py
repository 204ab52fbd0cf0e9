"""``nix-cache-info``: the file that makes a place a binary cache, and says for which store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend

__all__ = ["KEY", "ensure", "is_there"]

KEY = "nix-cache-info"

# Asked in bulk, and before the public cache, whose priority is 40: it is nearer.
_DEFAULTS = {"WantMassQuery": "1", "Priority": "30"}


async def is_there(backend: Backend, store_dir: str) -> bool:
    """Whether the place is a binary cache already.

    Raises:
        InputError: It is one for another store directory, or the file is something else.
        BuildError: The place cannot be asked.
    """
    return await _fields(backend, store_dir) is not None


async def ensure(backend: Backend, store_dir: str, priority: int | None = None) -> None:
    """Make the place a binary cache, and add what its file lacks; the rest stays.

    Args:
        backend: The place.
        store_dir: The logical store directory.
        priority: The lower, the earlier Nix asks it; None for what is there, or 30.

    Raises:
        InputError: It is a cache for another store directory, or the file is something else.
        BuildError: It cannot be read or written.
    """
    found = await _fields(backend, store_dir)
    fields = {"StoreDir": store_dir, **(found or {})}
    for name, value in _DEFAULTS.items():
        fields.setdefault(name, value)
    if priority is not None:
        fields["Priority"] = str(priority)
    if fields != found:
        text = "".join(f"{name}: {value}\n" for name, value in fields.items())
        await backend.put(KEY, text.encode(), "text/x-nix-cache-info")


async def _fields(backend: Backend, store_dir: str) -> dict[str, str] | None:
    raw = await backend.get(KEY)
    if raw is None:
        return None
    fields = {
        name: value.strip()
        for line in raw.decode(errors="replace").splitlines()
        for name, separator, value in [line.partition(":")]
        if separator
    }
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
    return fields
