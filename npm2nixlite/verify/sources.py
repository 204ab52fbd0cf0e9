"""What the assembler is handed on this machine: the verified files of the download cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.assemble.manifest import (
    FromDirectory,
    FromNowhere,
    FromParent,
    FromTarball,
    FromTree,
    LinkTo,
    Manifest,
    ManifestEntry,
    Origin,
)
from npm2nixlite.assemble.prepare import install
from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import GitRevision, Link, LocalDirectory, Lock, Missing
from npm2nixlite.node_packages.from_lock import NOTHING_RECORDED
from npm2nixlite.node_packages.model import AnyPin, GitPin, LocalPin
from npm2nixlite.pack.tarball import pack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.assemble.platform import Platform
    from npm2nixlite.assemble.recorded import Recorded
    from npm2nixlite.cache import Cache
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.node_packages.from_lock import Prepared

__all__ = ["TreeSources"]


class TreeSources:
    """Makes manifests of files on this machine.

    Args:
        cache: Has all tarballs and git trees.
        prepared: Git dependencies that npm installs dependencies for before it packs them.
        host: What to install for.
        work: A directory for what is made of these; it is needed until all is assembled.
    """

    def __init__(
        self, cache: Cache, prepared: Mapping[GitTree, Prepared], host: Platform, work: Path
    ) -> None:
        self._cache, self._prepared, self._host, self._work = cache, prepared, host, work
        self._packed: dict[GitTree, Path] = {}

    def manifest(
        self,
        lock: Lock,
        project: Path,
        pins: Mapping[str, AnyPin],
        omit: frozenset[str] = frozenset(),
        recorded: Recorded = NOTHING_RECORDED,
    ) -> Manifest:
        """What to assemble for a lock.

        Args:
            lock: Any lock.
            project: The project's directory, or a copy of it.
            pins: Install path → what it is filled from.
            omit: Groups to leave out.
            recorded: What the generated file records of the project.

        Raises:
            BuildError: What a git dependency's own lock asks for cannot be assembled.
            InputError: The lock has git dependencies of which it gives no commit.
        """
        origins: dict[str, Origin] = {}
        for entry in lock.entries:
            path = entry.install_path
            if isinstance(entry, Link):
                origins[path] = LinkTo(entry.target)
            elif path in pins:
                origins[path] = self._filled(pins[path], project)
            elif isinstance(entry.source, GitRevision):
                raise InputError(
                    "a git dependency of which the lock gives no commit cannot be assembled",
                    where=(lock.file, path),
                    hint="see 'npm2nixlite build' for what to do without a canonical lock",
                )
            elif isinstance(entry.source, LocalDirectory):
                found = (project / entry.source.path).is_dir() and not path.startswith("../")
                local = FromDirectory(str(project / entry.source.path))
                origins[path] = local if found else FromNowhere()
            elif not isinstance(entry.source, Missing):
                origins[path] = FromParent()
        package_json = project / "package.json"
        return Manifest(
            packages={path: ManifestEntry(origin) for path, origin in origins.items()},
            omit=omit,
            platform=self._host,
            lock=find_lock(project),
            package_json=package_json if package_json.is_file() else None,
            recorded=recorded,
        )

    def _filled(self, pin: AnyPin, project: Path) -> Origin:
        if isinstance(pin, LocalPin):
            return FromTarball(str(project / pin.path))
        if not isinstance(pin, GitPin):
            return FromTarball(str(self._cache.path(pin.sha512)))
        if pin.prepare:
            return FromTarball(str(self._with_its_dependencies(pin)))
        return FromTree(str(self._cache.tree(pin.sha256) / pin.tree.directory))

    def _with_its_dependencies(self, pin: GitPin) -> Path:
        """Pack a git dependency as npm does under ``--ignore-scripts``: installed, but not built.

        What it bundles comes from what was installed.
        """
        if pin.tree not in self._packed:
            work = self._work / f"prepared-{len(self._packed)}"
            self._packed[pin.tree] = tarball = work.with_suffix(".tgz")
            place, built = self._cache.tree(pin.sha256), self._prepared[pin.tree]
            project = place / pin.tree.directory
            install(self.manifest(built.lock, project, built.pins), place, pin.tree.directory, work)
            pack(work / pin.tree.directory, tarball)
        return self._packed[pin.tree]
