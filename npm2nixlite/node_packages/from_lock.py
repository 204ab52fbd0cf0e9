"""From a lock, and what each of its packages is filled from, to the model of the generated file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory, Lock, Missing, Package
from npm2nixlite.node_packages.model import (
    AnyEntry,
    AnyPin,
    Content,
    Flag,
    NodePackages,
    PackageEntry,
    Unfilled,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.plan import Blocker

__all__ = ["NOTHING_RECORDED", "Prepared", "node_packages_of"]

NOTHING_RECORDED = Recorded()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a git dependency is built by before it is packed: its own lock, and that one's pins."""

    lock: Lock
    pins: Mapping[str, AnyPin]


def node_packages_of(
    lock: Lock,
    pins: Mapping[str, AnyPin],
    blockers: Iterable[Blocker],
    registry: str | None,
    project: str = ".",
    prepared: Mapping[GitTree, Prepared] | None = None,
    recorded: Recorded = NOTHING_RECORDED,
    scripts: Mapping[str, bool] | None = None,
) -> NodePackages:
    """What the generated file of a lock holds.

    Args:
        lock: What it is made from.
        pins: Install path → what fills it, for every entry that is filled from a fixed output.
        blockers: Why the lock is not canonical.
        registry: The default of the argument ``registry``; None for none.
        project: The lock's directory, relative to the generated file's, with slashes.
        prepared: What git dependencies are built by, those included that only these need.
        recorded: What the project's package.json and ``.npmrc`` say about the tree.
        scripts: Install path → whether its install scripts may run, where the project says.
    """
    lock_name = lock.file.rpartition("/")[2].encode("ascii", "replace").decode()
    return NodePackages(
        lock_name="".join(filter(str.isprintable, lock_name)),  # it stands in a comment
        lock_sha256=lock.sha256,
        lockfile_version=lock.version,
        name=lock.project_name,
        version=lock.project_version,
        registry=registry,
        project=project,
        blockers=tuple(blockers),
        recorded=recorded,
        entries=tuple(_entries(lock, pins, scripts or {})),
        prepared={
            tree: tuple(_entries(built.lock, built.pins, {}))
            for tree, built in (prepared or {}).items()
        },
    )


def _entries(
    lock: Lock, pins: Mapping[str, AnyPin], scripts: Mapping[str, bool]
) -> Iterator[AnyEntry]:
    for entry in lock.entries:
        if isinstance(entry, Link):
            yield entry
        elif not isinstance(entry.source, Missing):
            yield PackageEntry(
                install_path=entry.install_path,
                name=entry.name,
                version=entry.version,
                content=_content(entry, pins.get(entry.install_path)),
                flags=_flags(entry, scripts.get(entry.install_path)),
                os=entry.os,
                cpu=entry.cpu,
                libc=entry.libc,
            )


def _content(package: Package, pin: AnyPin | None) -> Content:
    if pin is not None:
        return pin
    if isinstance(package.source, LocalDirectory):
        return package.source
    return Bundled() if package.in_bundle else Unfilled()


def _flags(package: Package, runs: bool | None) -> frozenset[Flag]:
    flags = (
        (Flag.DEV, package.dev),
        (Flag.OPTIONAL, package.optional),
        (Flag.DEV_OPTIONAL, package.dev_optional),
        (Flag.PEER, package.peer),
        (Flag.EXTRANEOUS, package.extraneous),
        (Flag.KEPT, package.kept),
        (Flag.IN_BUNDLE, package.in_bundle),
        (Flag.HAS_INSTALL_SCRIPT, package.has_install_script),
        (Flag.SCRIPTS_ALLOWED, runs is True),
        (Flag.SCRIPTS_DENIED, runs is False),
    )
    return frozenset([flag for flag, value in flags if value])
