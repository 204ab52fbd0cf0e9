"""From a lock to what must be fetched: each unique tarball once, and what cannot be one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.lock.model import (
    GitRevision,
    LocalTarball,
    Lock,
    Missing,
    Package,
    RegistryTarball,
    UrlTarball,
    registry_path,
)
from npm2nixlite.versions import is_semantic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from npm2nixlite.integrity import Integrity

__all__ = ["Address", "Blocker", "LocalFile", "Plan", "Tarball", "plan_lock"]


@dataclass(frozen=True, order=True, slots=True)
class Address:
    """Where a tarball is.

    Attributes:
        path: Below the registry base, or a whole http(s) address.
        relative: Whether the path is below the registry base.
    """

    path: str
    relative: bool


@dataclass(frozen=True, slots=True)
class Tarball:
    """A tarball that a lock needs, for however many install paths.

    Attributes:
        address: Where it is, as the generated file gives it.
        package: Name and version, where a registry has it; None for a tarball by address.
        guessed: The lock omits the address, so the registry's metadata may give another one.
        base: The base of the registry that has it, where it is known; for its metadata.
        integrities: Every hash that any entry gives for it.
        install_paths: The entries it fills, in the lock's order.
    """

    address: Address
    package: RegistryTarball | None
    guessed: bool
    base: str | None
    integrities: frozenset[Integrity]
    install_paths: tuple[str, ...]

    @property
    def label(self) -> str:
        """What to call it in messages."""
        if self.package is None:
            return self.address.path
        return f"{self.package.name}@{self.package.version}"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A tarball of the project itself that a lock needs.

    Attributes:
        path: Relative to the lock's directory.
        integrities: Every hash that any entry gives for it.
        install_paths: The entries it fills, in the lock's order.
    """

    path: str
    integrities: frozenset[Integrity]
    install_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why an install path keeps its lock from being canonical."""

    install_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a lock needs.

    Attributes:
        lock: The lock it was made from.
        registry: The base that addresses are relative to: the one that the lock itself names most;
            None where it names none.
        tarballs: Unique, in the order of their first install path.
        local_files: Unique, in the order of their first install path.
        dropped: Names that package.json no longer asks for, though the lock was made with them.
        trees: Of git repositories, each with the install paths that it fills.
        blockers: In the lock's order.
        left_out: Install paths of optional packages that npm leaves out, too.
    """

    lock: Lock
    registry: str | None
    tarballs: tuple[Tarball, ...]
    blockers: tuple[Blocker, ...]
    left_out: tuple[str, ...]
    local_files: tuple[LocalFile, ...] = ()
    trees: Mapping[GitTree, tuple[str, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def weakly_vouched_for(self) -> tuple[str, ...]:
        """Install paths of tarballs for which the lock gives no sha512: sha1 only, or nothing.

        Git revisions are not among them: a commit's hash is what git has.
        """
        fixed: list[Tarball | LocalFile] = [*self.tarballs, *self.local_files]
        return tuple(
            path
            for wanted in fixed
            if not any(integrity.algorithm == "sha512" for integrity in wanted.integrities)
            for path in wanted.install_paths
        )

    def by_install_path(self) -> Mapping[str, Tarball]:
        """Install path → the tarball that fills it."""
        return {path: tarball for tarball in self.tarballs for path in tarball.install_paths}


def plan_lock(
    lock: Lock, scope_registry: Callable[[str], str | None], registry: str | None = None
) -> Plan:
    """Find the unique tarballs and the blockers of a lock.

    Args:
        lock: Any lock.
        scope_registry: Package name → the registry base configured for its scope, or None.
        registry: The base that addresses are relative to; by default the one the lock names most.

    Raises:
        InputError: A registry package's version is no semantic version.
    """
    registry = registry or _main_registry(lock)
    found: dict[Address, list[tuple[Package, bool, str | None]]] = {}
    blockers: list[Blocker] = []
    left_out: list[str] = []
    local: dict[str, list[Package]] = {}
    trees: dict[GitTree, list[str]] = {}
    for package in lock.packages:
        match package.source:
            case RegistryTarball() as source:
                _check_version(lock, package)
                address, base = _registry_address(source, registry, scope_registry)
                guessed = source.path is None
                found.setdefault(address, []).append((package, guessed, base))
            case UrlTarball(url):
                found.setdefault(Address(url, relative=False), []).append((package, False, None))
            case GitRevision(url):
                tree = git_tree(url)
                if isinstance(tree, GitTree):
                    trees.setdefault(tree, []).append(package.install_path)
                else:
                    blockers.append(Blocker(package.install_path, f"git dependency: {tree}"))
            case LocalTarball(path):
                local.setdefault(path, []).append(package)
            case Missing() if not package.extraneous:
                left_out.append(package.install_path)
        if package.install_path.startswith("../") and "/node_modules/" in package.install_path:
            reason = "its install path is outside the project"
            blockers.append(Blocker(package.install_path, reason))
    return Plan(
        lock=lock,
        registry=registry,
        tarballs=tuple(_tarball(address, users) for address, users in found.items()),
        blockers=tuple(blockers),
        left_out=tuple(left_out),
        local_files=tuple(
            LocalFile(
                path=path,
                integrities=frozenset().union(*(user.integrities for user in users)),
                install_paths=tuple(user.install_path for user in users),
            )
            for path, users in local.items()
        ),
        trees={tree: tuple(paths) for tree, paths in trees.items()},
    )


def _main_registry(lock: Lock) -> str | None:
    bases = Counter(
        package.source.base
        for package in lock.packages
        if isinstance(package.source, RegistryTarball) and package.source.base is not None
    )
    return min(bases, key=lambda base: (-bases[base], base), default=None)


def _registry_address(
    source: RegistryTarball, registry: str | None, scope_registry: Callable[[str], str | None]
) -> tuple[Address, str | None]:
    if source.base is not None and source.path is not None:
        if source.base == registry:
            return Address(source.path, relative=True), registry
        return Address(source.base + source.path, relative=False), source.base
    path = registry_path(source.name, source.version)
    base = scope_registry(source.name)
    if base is not None and base != registry:
        return Address(base + path, relative=False), base
    return Address(path, relative=True), registry


def _tarball(address: Address, users: list[tuple[Package, bool, str | None]]) -> Tarball:
    first, _, base = users[0]
    return Tarball(
        address=address,
        package=first.source if isinstance(first.source, RegistryTarball) else None,
        guessed=all(guessed for _, guessed, _ in users),
        base=base,
        integrities=frozenset().union(*(package.integrities for package, _, _ in users)),
        install_paths=tuple(package.install_path for package, _, _ in users),
    )


def _check_version(lock: Lock, package: Package) -> None:
    if package.version is None or not is_semantic(package.version):
        raise InputError(
            f"{package.version!r} is no version",
            where=(lock.file, package.install_path),
            hint="expected a semantic version such as 1.2.3",
        )
