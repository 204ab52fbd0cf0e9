"""What differs between two generated files, package by package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.node_packages.read import NodePackages, read_node_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Changes", "compare"]


@dataclass(frozen=True)
class Changes:
    """Install paths that differ.

    Attributes:
        added: Install path → new version.
        removed: Install path → old version.
        changed: Install path → old and new version, which may be one: then the hash, the address
            or a flag differs.
        note: What differs beside the packages; empty where nothing does.
    """

    added: dict[str, str] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    changed: dict[str, tuple[str, str]] = field(default_factory=dict)
    note: str = ""

    def lines(self) -> Iterator[str]:
        """One line for each change, for people."""
        for path, version in self.added.items():
            yield f"added    {path} {version}".rstrip()
        for path, version in self.removed.items():
            yield f"removed  {path} {version}".rstrip()
        for path, (old, new) in self.changed.items():
            what = f"{old} → {new}" if old != new else f"{old} (hash, address or flags)".strip()
            yield f"changed  {path} {what}"
        if self.note:
            yield self.note


def compare(old_text: str, new_text: str, file: str) -> Changes:
    """What has to change for a file to hold the new text.

    Args:
        old_text: The file's content.
        new_text: What it should be; one of this program's.
        file: The file's name, for messages.
    """
    try:
        old = read_node_packages(old_text, file)
    except InputError as error:
        return Changes(note=error.what)
    new = read_node_packages(new_text, file)
    added = {path: _version(new, path) for path in new.lines if path not in old.lines}
    removed = {path: _version(old, path) for path in old.lines if path not in new.lines}
    changed = {
        path: (_version(old, path), _version(new, path))
        for path, line in new.lines.items()
        if path in old.lines and old.lines[path] != line
    }
    note = ""
    if not (added or removed or changed):
        note = "the packages are the same; the lock's hash or the file's frame differs"
    return Changes(added, removed, changed, note)


def _version(packages: NodePackages, path: str) -> str:
    attributes = packages.packages[path]
    if "link" in attributes:
        return f"-> {attributes['link']}"
    return str(attributes.get("version", ""))
