"""A path that a local store has, as its database describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from npm2nixlite.store.path import StorePath

__all__ = ["ValidPath", "references_first", "wrong_files"]


@dataclass(frozen=True, slots=True)
class ValidPath:
    """A store path, where its files are, and what its NAR is.

    Attributes:
        store_path: The store path.
        path: Where its files really are; elsewhere, where the store has a root of its own.
        nar_hash: The sha256 digest of its NAR.
        nar_size: Its size in bytes.
        references: The store paths it refers to, in Nix's order.
        deriver: The derivation that made it, where known.
        signatures: Each ``KEY-NAME:BASE64``.
        content_address: How its content is addressed; empty for a path that is input-addressed.
    """

    store_path: StorePath
    path: Path
    nar_hash: bytes
    nar_size: int
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    signatures: tuple[str, ...] = ()
    content_address: str = ""


def wrong_files(item: ValidPath) -> BuildError:
    """The error for a path whose files are not what the store's database says."""
    return BuildError(
        f"the files of {item.store_path} do not have the hash that the local store has for them",
        where=str(item.path),
        hint=f"repair it: nix-store --repair-path {item.store_path}",
    )


def references_first(items: Iterable[ValidPath]) -> list[ValidPath]:
    """Order paths so that each comes after those of them that it refers to."""
    known = {item.store_path: item for item in items}
    ordered: dict[StorePath, ValidPath] = {}
    entered: set[StorePath] = set()
    for start in known:
        pending = [start]
        while pending:
            path = pending[-1]
            if path in ordered or path not in known:
                pending.pop()
                continue
            if path in entered:  # all that it refers to is done
                ordered[path] = known[pending.pop()]
                continue
            entered.add(path)
            pending += [one for one in known[path].references if one not in entered]
    return list(ordered.values())
