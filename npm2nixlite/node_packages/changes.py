"""What differs between two generated files, package by package."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from npm2nixlite.lock.model import Link
from npm2nixlite.messages import plural
from npm2nixlite.node_packages.model import NodePackages
from npm2nixlite.versions import Bump, bump, is_older

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from npm2nixlite.node_packages.model import AnyEntry

__all__ = ["Changes", "compare"]

_SHOWN = 5  # packages that a summary names


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

    def bumps(self) -> dict[str, Bump]:
        """Install path → what kind of bump it is, where both versions are semantic ones."""
        kinds = {path: bump(old, new) for path, (old, new) in self.changed.items()}
        return {path: kind for path, kind in kinds.items() if kind is not None}

    def lines(self) -> Iterator[str]:
        """One line for each change, for people."""
        for path, version in self.added.items():
            yield f"added    {path} {version}".rstrip()
        for path, version in self.removed.items():
            yield f"removed  {path} {version}".rstrip()
        for path, (old, new) in self.changed.items():
            what = _step(old, new) if old != new else f"{old} (hash, address or flags)".strip()
            yield f"changed  {path} {what}"
        if self.note:
            yield self.note

    def summary(self) -> str:
        """One line on what a new file brings, for people; a package counts once."""
        changed = self.changed.items()
        shown = {
            "updated": {
                f"{_name(path)} {_step(old, new)}" for path, (old, new) in changed if old != new
            },
            "added": {f"{_name(path)} {new}".rstrip() for path, new in self.added.items()},
            "removed": {f"{_name(path)} {old}".rstrip() for path, old in self.removed.items()},
        }
        told = [
            f"{plural(len(items), 'package')} {what}: {_some(items)}"
            for what, items in shown.items()
            if items
        ]
        same = sum(old == new for old, new in self.changed.values())
        if same and not told:
            told.append(f"hash, address or flags of {plural(same, 'install path')} changed")
        return "; ".join(told) or self.note


def _some(items: Collection[str]) -> str:
    more = f" and {len(items) - _SHOWN:,} more" if len(items) > _SHOWN else ""
    return ", ".join(sorted(items)[:_SHOWN]) + more


def _name(path: str) -> str:
    return path.rpartition("node_modules/")[2]


def _step(old: str, new: str) -> str:
    kind = bump(old, new)
    if kind is None:
        return f"{old} → {new}"
    return f"{old} → {new} ({kind.value}{', to an older one' if is_older(new, old) else ''})"


def compare(old: NodePackages, new: NodePackages) -> Changes:
    """What has to change for a file with the old content to hold the new one."""
    before, after = dict(old.labelled()), dict(new.labelled())
    added = {path: _version(entry) for path, entry in after.items() if path not in before}
    removed = {path: _version(entry) for path, entry in before.items() if path not in after}
    changed = {
        path: (_version(before[path]), _version(entry))
        for path, entry in after.items()
        if path in before and before[path] != entry
    }
    note = "" if added or removed or changed else _note(old, new)
    return Changes(added, removed, changed, note)


def _note(old: NodePackages, new: NodePackages) -> str:
    differing = [
        _FIELDS[field.name]
        for field in fields(NodePackages)
        if getattr(old, field.name) != getattr(new, field.name)
    ]
    what = ", ".join(differing) or "the frame around its content"
    return f"the packages are the same; what differs: {what}"


_FIELDS = {
    "lock_name": "the lock's name",
    "lock_sha256": "the lock's hash",
    "lockfile_version": "the lock's version",
    "name": "the project's name",
    "version": "the project's version",
    "registry": "the default registry",
    "project": "the default project directory",
    "blockers": "the blockers",
    "recorded": "the recorded settings of the project",
}
"""What `NodePackages` has beside packages, in words; each of its fields stands here."""


def _version(entry: AnyEntry) -> str:
    return f"-> {entry.target}" if isinstance(entry, Link) else entry.version or ""
