"""Which npm a tree is made like: the one of the Node.js in use, and what sets it apart from others.

The releases of npm differ in what they install, and in what they note of it. Each difference is one
field of `Rules`, with the version that brought the change.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LATEST", "Rules", "npm_version", "rules_of"]

_COMMAND = "bin/npm"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Rules:
    """How an npm goes about a lock.

    Attributes:
        believes_flags: A lock that agrees with package.json is taken at its word about groups, and
            what is of no use in it is installed; later ones work the groups out always (11.11.1).
        walks_once: Groups are worked out by one walk down the tree, see `npm10` (until 11.6.3).
        links_overwrite: A link hands its groups on to its target even where another link to it is
            in fewer (from 11.6.3 until 11.18.0).
        leaves_out_late: Packages are left out as npm unpacks, and leave traces (until 11.6.2).
        counts_inert: What only left-out packages need stays, if others than those that go need it
            (until 11.13.0).
        notes_libc: npm's notes have the field ``libc`` (from 11.11.0).
        notes_stale: They have directories that nothing asks for any more (until 11.15.0).
        reads_shrinkwraps: A package may bring a lock of its own, which decides what it depends on
            (until 12).
    """

    believes_flags: bool
    walks_once: bool
    links_overwrite: bool
    leaves_out_late: bool
    counts_inert: bool
    notes_libc: bool
    notes_stale: bool
    reads_shrinkwraps: bool


def rules_of(version: str | None) -> Rules:
    """The rules of an npm; those of the latest that is known where there is no version to go by."""
    match = _VERSION.match(version or "")
    npm = tuple(map(int, match.groups())) if match else (12, 0, 0)
    return Rules(
        believes_flags=npm < (11, 11, 1),
        walks_once=npm < (11, 6, 3),
        links_overwrite=(11, 6, 3) <= npm < (11, 18, 0),
        leaves_out_late=npm < (11, 6, 2),
        counts_inert=npm < (11, 13, 0),
        notes_libc=npm >= (11, 11, 0),
        notes_stale=npm < (11, 15, 0),
        reads_shrinkwraps=npm < (12, 0, 0),
    )


LATEST = rules_of(None)
"""The rules of the newest npm that is known."""


def npm_version(nodejs: Path) -> str:
    """The version of the npm in a Node.js's directory.

    Args:
        nodejs: What has ``bin/npm``, a link into npm's own directory as Node.js installs it.

    Raises:
        BuildError: There is none.
    """
    for directory in (nodejs / _COMMAND).resolve().parents:
        try:
            package = json.loads((directory / "package.json").read_bytes())
        except (OSError, ValueError):
            continue
        version = package.get("version") if isinstance(package, dict) else None
        if isinstance(version, str) and package.get("name") == "npm":
            return version
    raise BuildError(
        "there is no npm whose tree could be made",
        where=str(nodejs / _COMMAND),
        hint='name one: npmVersion = "11.6.0"; or take a nodejs that has npm',
    )
