"""Install scripts of one package, and what they made: compiled once, for every tree that has it."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING

from npm2nixlite.assemble.scripts import run_scripts
from npm2nixlite.project.tree import REMOVED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["build_addon"]

_INTERMEDIATE = re.compile(
    r"""
      .*\.(o|d|stamp)            # what compilers leave
    | (.*/)?(obj\.target|\.deps|obj)/.*
    | (.*/)?build/([^/]*\.)?(Makefile|mk)
    | (.*/)?build/.*\.(mk|a)
    | (.*/)?build/(config\.gypi|gyp-[^/]*|node_gyp_bins/.*)
    """,
    re.VERBOSE,
)
"""What node-gyp leaves beside its result: nothing of it is used again, and it names build tools."""

_State = tuple[int, int, int, int]


def build_addon(work: Path, location: str, out: Path) -> None:
    """Run a package's install scripts, and keep what they changed below the project.

    Args:
        work: A project with an assembled tree.
        location: The package's install path.
        out: Made: ``tree`` has what is new or changed, at its path below ``work``.

    Raises:
        BuildError: There is no Node.js, or a script fails.
    """
    before = dict(_files(work))
    run_scripts(work, [location])
    after = dict(_files(work))
    tree = out / "tree"
    tree.mkdir(parents=True)
    for path, state in after.items():
        if before.get(path) == state or _INTERMEDIATE.fullmatch(path):
            continue
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(work / path, target, follow_symlinks=False)
    removed = sorted(before.keys() - after.keys())
    (out / REMOVED).write_text(json.dumps(removed))


def _files(place: Path, below: str = "") -> Iterator[tuple[str, _State]]:
    with os.scandir(place / below) as found:
        for entry in found:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(place, path)
            else:
                # what is written anew has another time of change, whatever its other times
                status = entry.stat(follow_symlinks=False)
                yield (
                    path,
                    (status.st_mode, status.st_size, status.st_ino, status.st_ctime_ns),
                )
