"""Pushing what appears in the local Nix store, as it appears."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, Npm2nixliteError
from npm2nixlite.nix import path_info
from npm2nixlite.nix.command import batches, run
from npm2nixlite.publish.push import push
from npm2nixlite.retry import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from npm2nixlite.publish.options import Push, PushOptions

__all__ = ["Watch", "WatchOptions", "watch_store"]

_NO_RESULTS = (".drv", ".lock", ".chroot", ".check", ".tmp")


@dataclass(frozen=True)
class WatchOptions:
    """How to watch.

    Attributes:
        interval: Seconds between two looks.
        most: How many paths wait to be pushed at most; more are found at a later look.
        attempts: How often a path is tried before it is given up.
    """

    interval: float = 1.0
    most: int = 1_000
    attempts: int = 8


@dataclass
class _Waiting:
    """A path that is to be pushed, once it is valid."""

    attempts: int = 0
    not_before: float = 0.0


@dataclass
class Watch:
    """What a watch told so far.

    Attributes:
        pushed: Paths that went to all stores.
        given_up: Paths that did not, and why.
    """

    pushed: int = 0
    given_up: dict[str, Npm2nixliteError] = field(default_factory=dict)


def watch_store(
    stores: Sequence[str],
    options: PushOptions,
    how: WatchOptions,
    *,
    stopped: Callable[[], bool],
    told: Callable[[Push | Npm2nixliteError], None],
) -> Watch:
    """Push each path that becomes valid from now on, with all that it needs, until it is stopped.

    What could not be pushed is tried again, later each time; what was found is pushed before it
    ends.

    Args:
        stores: Where to.
        options: How to push.
        how: How to watch.
        stopped: Whether to end.
        told: Given what each push did, or what went wrong.

    Raises:
        BuildError: There is no Nix, or no local store here.
    """
    directory = asyncio.run(_directory(options.store_dir))
    seen = set(os.listdir(directory))  # noqa: PTH208 (names)
    waiting: dict[str, _Waiting] = {}
    result = Watch()
    while True:
        last = stopped()
        names = os.listdir(directory)  # noqa: PTH208 (names)
        for name in names:
            if len(waiting) >= how.most:
                break
            if name not in seen:
                seen.add(name)
                if not name.startswith(".") and not name.endswith(_NO_RESULTS):
                    waiting[f"{options.store_dir}/{name}"] = _Waiting()
        seen.intersection_update(names)  # what was removed may come again
        ready = _ready(waiting, directory)
        for batch in _split(ready, waiting):
            _push(batch, waiting, stores, options, how, result, told)
        if last and not ready:
            return result
        if not ready:
            time.sleep(how.interval)


async def _directory(store_dir: str) -> Path:
    for root in await path_info.roots():
        directory = root / store_dir.lstrip("/")
        if directory.is_dir():
            return directory
    raise BuildError(
        "there is no local Nix store to watch", where=store_dir, hint="install Nix, and build"
    )


def _ready(waiting: dict[str, _Waiting], directory: Path) -> list[str]:
    """Those that are valid, and whose time has come; what is gone is forgotten."""
    for path in [path for path in waiting if not (directory / path.rpartition("/")[2]).exists()]:
        if not (directory / path.rpartition("/")[2]).is_symlink():
            del waiting[path]
    now = time.monotonic()
    due = [path for path, state in waiting.items() if state.not_before <= now]
    if not due:
        return []
    invalid = set(asyncio.run(_invalid(due)))
    return [path for path in due if path not in invalid]


async def _invalid(paths: Sequence[str]) -> list[str]:
    return [
        path
        for batch in batches(paths)
        for path in await run(["nix-store", "--check-validity", "--print-invalid", *batch])
    ]


def _split(ready: Sequence[str], waiting: dict[str, _Waiting]) -> list[list[str]]:
    """All at once; but what failed before alone, so that it keeps nothing else from going."""
    fresh = [path for path in ready if not waiting[path].attempts]
    return [*([fresh] if fresh else []), *([path] for path in ready if waiting[path].attempts)]


def _push(
    batch: list[str],
    waiting: dict[str, _Waiting],
    stores: Sequence[str],
    options: PushOptions,
    how: WatchOptions,
    result: Watch,
    told: Callable[[Push | Npm2nixliteError], None],
) -> None:
    try:
        done = push([], batch, stores, options)
        failure = next((store.error for store in done.stores if store.error), None)
        told(done)
    except Npm2nixliteError as error:
        failure = error
        told(error)
    if failure is None:
        for path in batch:
            del waiting[path]
        result.pushed += len(batch)
        return
    for path in batch:
        state = waiting[path]
        state.not_before = time.monotonic() + backoff(state.attempts)
        state.attempts += 1
        if state.attempts >= how.attempts:
            result.given_up[path] = failure
            del waiting[path]
