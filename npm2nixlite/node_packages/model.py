"""What a ``node-packages.nix`` holds, as frozen types; writer and reader agree on these."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory
from npm2nixlite.node_packages.names import store_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.plan import Address, Blocker

__all__ = [
    "FORMAT",
    "AnyEntry",
    "AnyPin",
    "Content",
    "Flag",
    "GitPin",
    "LocalPin",
    "NodePackages",
    "PackageEntry",
    "Pin",
    "Unfilled",
    "default_name",
]

FORMAT = 1
"""The number of the file's format: what `docs/generated-file.md` describes."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A tarball's address and the hash of its bytes: what a fixed-output derivation needs."""

    address: Address
    sha512: Integrity

    @property
    def store_name(self) -> str:
        """Its store path's name."""
        return store_name(self.address.path)[0]


@dataclass(frozen=True, slots=True)
class LocalPin:
    """A tarball's path relative to the lock's directory, and the hash of its bytes."""

    path: str
    sha256: Integrity

    @property
    def store_name(self) -> str:
        """Its store path's name."""
        return store_name(self.path)[0]


@dataclass(frozen=True, slots=True)
class GitPin:
    """A git tree, the hash of its NAR, whether submodules are in it, whether it is built first."""

    tree: GitTree
    sha256: Integrity
    submodules: bool
    prepare: bool = False

    @property
    def store_name(self) -> str:
        """Its store path's name: that of nixpkgs' ``fetchgit``, so that the path is the same."""
        return store_name(f"{self.tree.name}-{self.tree.rev[:7]}")[0]


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Nothing fills the install path: a blocker says why."""


AnyPin = Pin | LocalPin | GitPin
"""What is fetched, or read, and held to a hash."""

Content = AnyPin | LocalDirectory | Bundled | Unfilled
"""What a package's install path is filled from."""


_NOTHING_OF_ITS_OWN = (Bundled, Unfilled)


class Flag(Enum):
    """What is true of a package. The value is the attribute's name; their order is the file's."""

    DEV = "dev"
    OPTIONAL = "optional"
    DEV_OPTIONAL = "devOptional"
    PEER = "peer"
    EXTRANEOUS = "extraneous"
    KEPT = "kept"
    IN_BUNDLE = "inBundle"
    HAS_INSTALL_SCRIPT = "hasInstallScript"
    SCRIPTS_ALLOWED = "scriptsAllowed"
    SCRIPTS_DENIED = "scriptsDenied"

    # Each is the only one of its kind; Enum's own hash is slow, and sets of flags are many.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """An install path that a package fills.

    Attributes:
        install_path: ``node_modules/a/node_modules/b``, or a directory of the project's.
        name: The package's own name; differs from the install path's for an alias.
        version: As the lock gives it; None where it gives none.
        content: What the install path is filled from. `Bundled` if and only if nothing else
            fills it and the flags say so.
        flags: What is true of it.
        os: Platforms it is for, in npm's words; empty for all.
        cpu: Processors it is for, in npm's words; empty for all.
        libc: C libraries it is for, in npm's words; empty for all.
    """

    install_path: str
    name: str
    version: str | None
    content: Content
    flags: frozenset[Flag] = frozenset()
    os: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    libc: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.content, _NOTHING_OF_ITS_OWN):
            bundled = isinstance(self.content, Bundled)
            if bundled is not (Flag.IN_BUNDLE in self.flags):
                raise ValueError("an entry is bundled exactly where its flags say so")


AnyEntry = PackageEntry | Link
"""What can stand at an install path."""


@dataclass(frozen=True, slots=True)
class NodePackages:
    """A generated file's content.

    Attributes:
        lock_name: The lock's file name, in printable ASCII.
        lock_sha256: Base-16 sha256 of the lock's bytes.
        lockfile_version: The lock's: 1, 2 or 3.
        name: The project's name, where the lock gives one.
        version: The project's version, where the lock gives one.
        registry: The default of the argument ``registry``, with a slash at its end; None for none.
        project: The default of the argument ``project``: the lock's directory, relative to the
            file's, with slashes.
        blockers: What keeps the lock from being canonical.
        entries: By install path, in code point order.
        recorded: What the project's package.json and ``.npmrc`` say about the tree.
        prepared: Git dependency that is built before it is packed → the entries of its own lock,
            by which it is built. Its keys are exactly the trees of pins with ``prepare``.
    """

    lock_name: str
    lock_sha256: str
    lockfile_version: int
    name: str | None = None
    version: str | None = None
    registry: str | None = None
    project: str = "."
    blockers: tuple[Blocker, ...] = ()
    entries: tuple[AnyEntry, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)
    prepared: Mapping[GitTree, tuple[AnyEntry, ...]] = field(default_factory=dict)

    @property
    def canonical(self) -> bool:
        """Whether every package is filled from a fixed output."""
        return not self.blockers

    def labelled(self) -> Iterator[tuple[str, AnyEntry]]:
        """Every entry with what to call it: its install path, after the tree it helps to build."""
        for entry in self.entries:
            yield entry.install_path, entry
        for tree, entries in self.prepared.items():
            for entry in entries:
                yield f"{tree} {entry.install_path}", entry


def default_name(install_path: str) -> str | None:
    """The name of a package at an install path that gives no other; None for a directory."""
    _, inside, name = f"/{install_path}".rpartition("/node_modules/")
    return name if inside else None
