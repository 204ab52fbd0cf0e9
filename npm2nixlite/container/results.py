"""Results beside each other, each whole or not there.

A result is a directory named by its hash, with ``tree``, what was built, and ``built.json``, what
is known of it. It comes into being by one rename, after a sync.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from npm2nixlite.container.tree import make_read_only, remove_tree
from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from npm2nixlite.container.paths import ContainerPaths

__all__ = ["Built", "Results"]

_TREE = "tree"
_BUILT = "built.json"


@dataclass(frozen=True)
class Built:
    """How a result came about.

    Attributes:
        when: UTC, ISO 8601.
        seconds: How long the build took.
        source: The project's directory.
        source_hash: Of what was in it.
        container: The container's name.
        runner: What ran it.
        tools: Name → program.
    """

    when: str
    seconds: float
    source: str
    source_hash: str
    container: str
    runner: str
    tools: dict[str, str]


class Results:
    """The results of one name.

    Args:
        places: Where they are.
    """

    def __init__(self, places: ContainerPaths) -> None:
        self._root = places.results
        self._current = places.current

    def tree(self, result: str) -> Path:
        """The files of a result."""
        return self._root / result / _TREE

    def built(self, result: str) -> Built | None:
        """How it came about; None where there is no such result."""
        fields = self._read(result)
        try:
            return None if fields is None else Built(**fields["built"])
        except (TypeError, KeyError):
            return None

    def whole(self, result: str) -> bool:
        """Whether every file of the result is still there, in its size.

        Further files do not count: a service may write beside its program.
        """
        fields = self._read(result)
        if fields is None:
            return False
        tree = self.tree(result)
        try:
            return tree.is_dir() and all(
                (tree / name).lstat().st_size == size for name, size in fields["files"]
            )
        except (OSError, KeyError, TypeError, ValueError):
            return False

    def stage(self, output: Path, staged: Path, built: Built) -> None:
        """Make a result of what a build left.

        Args:
            output: What was built; it is moved.
            staged: A directory to be made, on the results' file system; see `keep`.
            built: How it came about.

        Raises:
            BuildError: The build left something that can be no result.
            OSError: The disk is full, say.
        """
        staged.mkdir(mode=0o755)
        files = make_read_only(output)
        output.rename(staged / _TREE)
        text = json.dumps({"built": asdict(built), "files": files})
        (staged / _BUILT).write_text(text, "utf-8")

    def sync(self, staged: Path) -> None:
        """Wait until a result is on the disk.

        Raises:
            BuildError: It does not get there.
        """
        command = ["sync", "--file-system", str(staged)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise BuildError(
                "there is no sync to be found", hint="put coreutils on PATH"
            ) from error
        if done.returncode:
            raise BuildError(f"cannot be synced: {done.stderr.strip()}", where=str(staged))

    def keep(self, staged: Path, result: str) -> None:
        """Move a staged result beside the others; a broken one of its hash makes way."""
        place = self._root / result
        if place.exists():
            broken = place.with_name(f"{result}.broken")
            remove_tree(broken)
            place.rename(broken)
        staged.rename(place)

    def link(self, result: str) -> None:
        """Let the current symlink name a result."""
        link = self._current.with_name(f".{self._current.name}.new")
        link.unlink(missing_ok=True)
        link.symlink_to(f"{result}/{_TREE}")
        link.replace(self._current)

    def linked(self) -> str | None:
        """The result that the current symlink names."""
        try:
            return self._current.readlink().parts[0]
        except OSError:
            return None

    def remove_others(self, kept: Collection[str | None]) -> None:
        """Remove every result but some, and what is left of removals that were interrupted."""
        for path in sorted(self._root.iterdir()):
            if path.is_dir() and not path.is_symlink() and path.name not in kept:
                # The record goes first, so that a half-removed result never counts as whole.
                (path / _BUILT).unlink(missing_ok=True)
                remove_tree(path)

    def _read(self, result: str) -> dict[str, Any] | None:
        try:
            fields = json.loads((self._root / result / _BUILT).read_bytes())
        except (OSError, ValueError):
            return None
        return fields if isinstance(fields, dict) else None
