"""Copying store paths with ``nix copy``, to stores that only Nix itself knows."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, UsageError
from npm2nixlite.messages import without_credentials
from npm2nixlite.nix import path_info
from npm2nixlite.nix.command import batches, run
from npm2nixlite.progress import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from npm2nixlite.progress import Progress

__all__ = ["Copied", "copy_closure", "ping"]

_NIX = ("nix", "--extra-experimental-features", "nix-command")
_UNKNOWN = "don't know how to open Nix store"
_COPIED = re.compile(r"copying path '([^']+)'")


@dataclass(frozen=True)
class Copied:
    """What became of store paths, with all that they need, in a store that Nix opened.

    Attributes:
        present: How many the store had.
        missing: Those it lacks still; only in a dry run.
        copied: How many it got.
        seconds: Wall time.
    """

    present: int
    missing: tuple[str, ...]
    copied: int
    seconds: float


async def ping(address: str) -> None:
    """Make sure that Nix can open a store.

    Raises:
        UsageError: Nix does not know such a store.
        BuildError: It cannot be reached.
    """
    with _opening(address):
        await run([*_NIX, "store", "ping", "--store", address])


async def copy_closure(
    address: str,
    paths: Sequence[str],
    *,
    jobs: int,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> Copied:
    """Copy store paths, with all that they need, from the local store to another.

    Args:
        address: Where to.
        paths: In the local store.
        jobs: How many requests run at once, where there are any.
        dry_run: Only find out what is missing.
        progress: Shows what is on its way.

    Raises:
        UsageError: Nix does not know such a store.
        InputError: A path is not in the local store.
        BuildError: Nix cannot copy; what it has copied stays.
    """
    start = time.monotonic()
    closure = [str(item.store_path) for item in await path_info.closure(paths)]
    options = ("--option", "http-connections", str(jobs))
    with _opening(address):
        ask = ["nix-store", *options, "--store", address, "--check-validity", "--print-invalid"]
        missing = [path for batch in batches(closure) for path in await run([*ask, *batch])]
        present = len(closure) - len(missing)
        if dry_run or not missing:
            return Copied(present, tuple(missing), 0, time.monotonic() - start)
        advance = progress(len(missing))
        copied: set[str] = set()

        def count(line: str) -> None:
            found = _COPIED.search(line)
            if found is not None and found[1] not in copied:
                copied.add(found[1])
                advance(1, 0)

        for batch in batches(paths):
            command = [*_NIX, "copy", *options, "--to", address, *batch]
            await run(command, on_complaint=count)
    return Copied(len(closure) - len(copied), (), len(copied), time.monotonic() - start)


@contextmanager
def _opening(address: str) -> Iterator[None]:
    shown = without_credentials(address)
    try:
        yield
    except BuildError as error:
        if _UNKNOWN not in error.what:
            raise BuildError(error.what, where=shown, hint=error.hint) from error
        hint = "expected file:///DIR, http(s)://HOST/…, s3://BUCKET, or what Nix knows: ssh-ng://…"
        raise UsageError("Nix knows no such store", where=shown, hint=hint) from error
