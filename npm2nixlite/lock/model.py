"""What a lock says: the packages to install, and what each install path is filled from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.integrity import Integrity

__all__ = [
    "Bundled",
    "GitRevision",
    "Link",
    "LocalDirectory",
    "LocalTarball",
    "Lock",
    "Missing",
    "Package",
    "RegistryTarball",
    "Source",
    "UrlTarball",
    "registry_path",
]


def registry_path(name: str, version: str) -> str:
    """Where a registry keeps a version's tarball by convention, below its base.

    >>> registry_path("@types/node", "18.15.3")
    '@types/node/-/node-18.15.3.tgz'
    """
    return f"{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


@dataclass(frozen=True, slots=True)
class RegistryTarball:
    """A package as a registry publishes it.

    Attributes:
        name: The published name, with its scope.
        version: A semantic version.
        base: The registry base that the lock names, with a slash at its end; None where the
            lock omits it (npm's ``omit-lockfile-registry-resolved``).
        path: The tarball's path below the base; None where the lock omits it.
    """

    name: str
    version: str
    base: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class UrlTarball:
    """A tarball at an http(s) address that is not laid out as a registry is."""

    url: str


@dataclass(frozen=True, slots=True)
class GitRevision:
    """A git repository at a commit; ``url`` as the lock spells it, without credentials."""

    url: str


@dataclass(frozen=True, slots=True)
class LocalTarball:
    """A tarball in the project; ``path`` relative to the lock's directory."""

    path: str


@dataclass(frozen=True, slots=True)
class LocalDirectory:
    """A directory of the project, or beside it; ``path`` relative to the lock's directory."""

    path: str


@dataclass(frozen=True, slots=True)
class Bundled:
    """Comes inside the tarball of a package further up."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A package that the lock names without a version; npm leaves it out where it may."""


Source = (
    RegistryTarball | UrlTarball | GitRevision | LocalTarball | LocalDirectory | Bundled | Missing
)


@dataclass(frozen=True, slots=True)
class Package:
    """A lock's entry that is filled from a source.

    Attributes:
        install_path: The lock's key: ``node_modules/a/node_modules/b``, or a local directory.
        name: The package's own name; differs from the install path's for an alias.
        version: As the lock gives it; None where it gives none (a local directory).
        source: What the install path is filled from.
        integrities: Every hash the entry gives; all of them must hold.
        dev: Only the root's devDependencies lead here.
        optional: Only optional dependencies lead here.
        dev_optional: Both development and optional dependencies lead here.
        peer: Only peer dependencies lead here.
        in_bundle: The entry comes with its parent's tarball.
        has_install_script: The package runs a script when npm installs it.
        os: Platforms it is for, in npm's words (``linux``, ``!win32``); empty for all.
        cpu: Processors it is for, in npm's words; empty for all.
        libc: C libraries it is for, in npm's words; empty for all.
        engines: Tool → version range.
        bin: Command → file in the package.
        requested: Name → what it asks for, optional or not; what it bundles aside.
        peers: Name → what it asks of who depends on it, the optional aside.
        has_shrinkwrap: It brings a lock of its own, which decides what it depends on.
        extraneous: Nothing depends on it: npm takes it out; releases that believe the lock may not.
        kept: It may be needed even where its flags say that it is left out.
    """

    install_path: str
    name: str
    version: str | None
    source: Source
    integrities: frozenset[Integrity] = frozenset()
    dev: bool = False
    optional: bool = False
    dev_optional: bool = False
    peer: bool = False
    in_bundle: bool = False
    has_install_script: bool = False
    os: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    libc: tuple[str, ...] = ()
    engines: Mapping[str, str] = field(default_factory=dict)
    bin: Mapping[str, str] = field(default_factory=dict)
    requested: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    has_shrinkwrap: bool = False
    extraneous: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A lock's entry that is a symbolic link to a directory of the project, or beside it.

    Attributes:
        install_path: Where the link stands.
        target: The directory, relative to the lock's directory; empty for the project itself.
    """

    install_path: str
    target: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A whole lock.

    Attributes:
        file: The lock's path as given, for messages.
        sha256: Base-16 sha256 of the lock's bytes.
        version: 1, 2 or 3: its ``lockfileVersion``.
        project_name: The root project's name, where the lock gives one.
        project_version: The root project's version, where the lock gives one.
        entries: All entries but the root project, by install path in code point order.
        requested: Directory (empty for the root project) → name → what its package.json asked
            for when the lock was written; empty for version 1, which does not say.
    """

    file: str
    sha256: str
    version: int
    project_name: str | None
    project_version: str | None
    entries: tuple[Package | Link, ...]
    requested: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[Package, ...]:
        """The entries that are no links."""
        return tuple(entry for entry in self.entries if isinstance(entry, Package))
