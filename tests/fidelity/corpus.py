"""A corpus: a directory of projects, each with its package.json files, its lock and its .npmrc."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.lock.find import LOCK_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Project", "find_projects"]

POINTER = ".project"
"""A file that names the project's directory, where what the project links to lies beside it."""


@dataclass(frozen=True)
class Project:
    """A project of the corpus.

    Attributes:
        name: Its directory's.
        whole: That directory.
        below: The project's own directory, relative to it.
        lock_name: Its lock's file name.
    """

    name: str
    whole: Path
    below: str
    lock_name: str

    @property
    def directory(self) -> Path:
        return self.whole / self.below

    @property
    def lock(self) -> Path:
        return self.directory / self.lock_name

    def digest(self) -> str:
        """The same for the same files."""
        total = hashlib.sha256()
        for path in sorted(self.whole.rglob("*")):
            if path.is_symlink():
                total.update(f"{path.relative_to(self.whole)}\0{path.readlink()}\0".encode())
            elif path.is_file():
                total.update(f"{path.relative_to(self.whole)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()[:32]

    def copy(self, into: Path) -> Project:
        """A copy of it, in place of what was there."""
        if into.exists():
            shutil.rmtree(into)
        shutil.copytree(self.whole, into, symlinks=True, copy_function=shutil.copy)
        return Project(self.name, into, self.below, self.lock_name)


def find_projects(corpus: Path) -> Iterator[Project]:
    """The projects of a corpus, those with a small lock first."""
    found = [
        project
        for whole in sorted(corpus.iterdir())
        if whole.is_dir() and not whole.name.startswith(".")
        if (project := _project(whole)) is not None
    ]
    yield from sorted(found, key=lambda project: project.lock.stat().st_size)


def _project(whole: Path) -> Project | None:
    pointer = whole / POINTER
    below = pointer.read_text().strip() if pointer.exists() else ""
    for name in LOCK_NAMES:
        lock = whole / below / name
        if lock.is_file() and lock.stat().st_size:
            return Project(whole.name, whole, below, name)
    return None
