"""Which local directories a project's ``workspaces`` mean."""

from __future__ import annotations

import posixpath
import re

__all__ = ["is_workspace"]

_WORDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_workspace(directory: str, workspaces: object) -> bool:
    """Whether a directory is one of a project's workspaces.

    Args:
        directory: Relative to the project.
        workspaces: As ``package.json`` has it: globs, of which the last one that fits decides;
            ``!`` before one takes away.
    """
    globs = workspaces.get("packages") if isinstance(workspaces, dict) else workspaces
    found = False
    for glob in globs if isinstance(globs, list) else []:
        if isinstance(glob, str) and _pattern(glob.removeprefix("!")).fullmatch(directory):
            found = not glob.startswith("!")
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{[^{}]*\})", posixpath.normpath(glob))
    return re.compile("".join(_WORDS.get(part) or _literal(part) for part in parts))


def _literal(part: str) -> str:
    if part.startswith("{"):
        return "(?:" + "|".join(map(re.escape, part[1:-1].split(","))) + ")"
    return re.escape(part)
