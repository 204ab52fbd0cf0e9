"""Which directories a project's ``workspaces`` mean, as npm's ``map-workspaces`` decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.pack.glob import IgnoreRule, parse_rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["is_workspace", "workspace_directories"]


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    rule: IgnoreRule

    def matches(self, path: str, *, partly: bool = False) -> bool:
        if not self.rule.matches(f"/{path}", partly=partly):
            return False
        # A wildcard stands for no name that begins with a dot.
        return "/." in f"/{self.text}" or "/." not in f"/{path}"


def is_workspace(directory: str, workspaces: object) -> bool:
    """Whether a directory is one of a project's workspaces.

    Args:
        directory: Relative to the project.
        workspaces: As ``package.json`` has it: globs, or an object with them as ``packages``.
    """
    wanted, unwanted = _patterns(workspaces)
    return _taken(directory, wanted, unwanted)


def workspace_directories(project: Path, workspaces: object) -> list[str]:
    """The directories below a project that its workspaces mean and that have a package.json.

    Args:
        project: Its directory.
        workspaces: As ``package.json`` has it.

    Returns:
        Relative paths, with slashes, in the order of the patterns and then by name.
    """
    wanted, unwanted = _patterns(workspaces)
    # On disk, what takes away all that is in a directory takes away the directory, too.
    unwanted += [_pattern(one.text[:-3]) for one in unwanted if one.text.endswith("/**")]
    found = list(_below(project, "", wanted, unwanted)) if wanted else []
    return [
        path
        for path in dict.fromkeys(
            path for pattern in wanted for path in sorted(found) if pattern.matches(path)
        )
        if (project / path / "package.json").is_file()
    ]


def _below(
    place: Path, path: str, wanted: list[_Pattern], unwanted: list[_Pattern]
) -> Iterator[str]:
    for child in place.iterdir():
        below = f"{path}/{child.name}" if path else child.name
        if child.name == "node_modules" or not child.is_dir():
            continue
        if _taken(below, wanted, unwanted):
            yield below
        # What a link leads to may lead back here.
        if not child.is_symlink() and any(one.matches(below, partly=True) for one in wanted):
            yield from _below(child, below, wanted, unwanted)


def _taken(path: str, wanted: list[_Pattern], unwanted: list[_Pattern]) -> bool:
    return (
        "node_modules" not in path.split("/")
        and any(pattern.matches(path) for pattern in wanted)
        and not any(pattern.matches(path) for pattern in unwanted)
    )


def _pattern(text: str) -> _Pattern:
    return _Pattern(text, parse_rule(f"/{text}", case_sensitive=True))


def _patterns(workspaces: object) -> tuple[list[_Pattern], list[_Pattern]]:
    """What is meant, and what is taken from it again."""
    globs = workspaces.get("packages") if isinstance(workspaces, dict) else workspaces
    wanted: list[_Pattern] = []
    unwanted: list[_Pattern] = []
    for glob in globs if isinstance(globs, list) else []:
        if not isinstance(glob, str):
            continue
        plain = glob.lstrip("!")
        text = re.sub(r"^\.?/+", "", plain).rstrip("/")
        if text in {"", "."} or text.startswith("../"):
            continue
        pattern = _pattern(text)
        if (len(glob) - len(plain)) % 2:
            unwanted.append(pattern)
        else:
            # What was taken away before counts again where a later pattern is part of it.
            unwanted = [other for other in unwanted if not other.matches(text)]
            wanted.append(pattern)
    wanted = [one for one in wanted if not any(other.matches(one.text) for other in unwanted)]
    return wanted, unwanted
