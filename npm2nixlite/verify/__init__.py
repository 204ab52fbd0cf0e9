"""``verify``: is the assembled tree the one that the installed npm makes?"""

from __future__ import annotations

import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble import assemble
from npm2nixlite.assemble.manifest import Manifest
from npm2nixlite.assemble.platform import Platform
from npm2nixlite.assemble.trees import pack_trees
from npm2nixlite.config import load_registry_config
from npm2nixlite.errors import InputError
from npm2nixlite.generate import GenerateOptions, generate
from npm2nixlite.lock import (
    GitRevision,
    Link,
    LocalDirectory,
    LocalTarball,
    Lock,
    Missing,
    find_lock,
)
from npm2nixlite.verify.compare import Difference, differences
from npm2nixlite.verify.npm import (
    NpmVersions,
    copy_outside,
    copy_project,
    forget_registry_fields,
    installed_versions,
    npm_ci,
    seed_cache,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.cache import Cache
    from npm2nixlite.plan import Plan
    from npm2nixlite.render import Pin

__all__ = ["Verification", "addresses_of", "host_platform", "manifest_of", "verify"]

_OS = {"Linux": "linux", "Darwin": "darwin", "FreeBSD": "freebsd"}
_CPU = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison found.

    Attributes:
        versions: Of the npm and the Node.js that were compared with.
        differences: In the order of their paths; empty where the trees are equal.
        entries: How many paths the assembled tree has.
    """

    versions: NpmVersions
    differences: tuple[Difference, ...]
    entries: int


def host_platform(versions: NpmVersions) -> Platform:
    """The platform that the installed npm installs for."""
    system = platform.system()
    libc = None
    if system == "Linux":
        libc = "glibc" if platform.libc_ver()[0] == "glibc" else "musl"
    return Platform(
        os=_OS.get(system, system.lower()),
        cpu=_CPU.get(platform.machine(), platform.machine()),
        libc=libc,
        node=versions.node,
        npm=versions.npm,
    )


def verify(
    project: Path,
    cache: Cache,
    options: GenerateOptions,
    omit: frozenset[str] = frozenset(),
    progress: Callable[[int], Callable[[int, int], None]] = lambda _total: lambda _n, _b: None,
) -> Verification:
    """Assemble a project's tree, let npm install it, and compare.

    Args:
        project: A directory with a lock.
        cache: The download cache.
        options: How to fetch.
        omit: Groups to leave out: ``dev``, ``optional``, ``peer``.
        progress: See `npm2nixlite.resolve.resolve`.

    Raises:
        BuildError: Assembling fails, or npm does.
        FetchError: A package could not be fetched or verified.
        InputError: The lock cannot be used, or has git dependencies.
    """
    project = find_lock(project).absolute().parent
    (generated,), resolution = generate([project], cache, options, progress)
    lock, pins = generated.plan.lock, resolution.pins[0]
    versions = installed_versions()
    config = load_registry_config(project, user_file=options.npmrc, registry=options.registry)
    tarballs = {path: cache.path(pin.sha512) for path, pin in pins.items()}
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-verify-") as directory:
        work = Path(directory)
        theirs = copy_project(project, lock, work / "npm")
        ours = copy_outside(theirs, lock, work / "npm", work / "ours")
        trees = _trees(generated.plan, cache)
        manifest = manifest_of(lock, theirs, tarballs, omit, host_platform(versions), trees)
        assemble(pack_trees(manifest, work), ours)
        integrities = {package.install_path: package.integrities for package in lock.packages}
        seed_cache(work / "cache", ((file, integrities[path]) for path, file in tarballs.items()))
        base = generated.plan.registry or config.registry
        npm_ci(theirs, work / "cache", addresses_of(pins, base), omit, config.registry)
        if lock.version == 1:
            for tree in (ours, theirs):
                forget_registry_fields(tree)
        found: list[Difference] = []
        for modules in _module_directories(lock):
            found += (
                Difference(f"{modules}/{one.path}", one.aspect, one.ours, one.theirs)
                for one in differences(ours / modules, theirs / modules)
            )
        entries = sum(1 for _ in ours.rglob("*"))
    return Verification(versions, tuple(found), entries)


def manifest_of(
    lock: Lock,
    project: Path,
    tarballs: Mapping[str, Path],
    omit: frozenset[str],
    host: Platform,
    trees: Mapping[str, Path] = {},
) -> Manifest:
    """What to assemble for a lock whose tarballs are at hand.

    Args:
        lock: Any lock.
        project: The project's directory, or a copy of it.
        tarballs: Install path → tarball.
        omit: Groups to leave out.
        host: What to install for.
        trees: Install path → a git dependency's files; see `npm2nixlite.assemble.trees`.

    Raises:
        InputError: The lock has git dependencies of which it gives no commit.
    """
    packages: dict[str, Json] = {}
    for entry in lock.entries:
        path = entry.install_path
        if isinstance(entry, Link):
            packages[path] = {"link": entry.target}
        elif isinstance(entry.source, GitRevision) and path in trees:
            packages[path] = {"tree": str(trees[path])}
        elif isinstance(entry.source, GitRevision):
            raise InputError(
                "a git dependency of which the lock gives no commit cannot be assembled",
                where=(lock.file, path),
                hint="see 'npm2nixlite build' for what to do without a canonical lock",
            )
        elif isinstance(entry.source, LocalTarball):
            packages[path] = {"tarball": str(project / entry.source.path)}
        elif isinstance(entry.source, LocalDirectory):
            found = (project / entry.source.path).is_dir() and not path.startswith("../")
            packages[path] = {"directory": str(project / entry.source.path)} if found else {}
        elif path in tarballs:
            packages[path] = {"tarball": str(tarballs[path])}
        elif not isinstance(entry.source, Missing):
            packages[path] = {"inBundle": True}
    package_json = project / "package.json"
    return Manifest(
        packages=packages,
        omit=omit,
        platform=host,
        lock=find_lock(project),
        package_json=package_json if package_json.is_file() else None,
    )


def _trees(plan: Plan, cache: Cache) -> dict[str, Path]:
    return {
        path: cache.tree(revision.sha256) / tree.directory
        for tree, paths in plan.trees.items()
        for revision in [cache.revision(str(tree))]
        if revision is not None
        for path in paths
    }


def addresses_of(pins: Mapping[str, Pin], base: str) -> dict[str, str]:
    """Install path → whole address, of tarballs at or below a registry base."""
    return {
        path: base + pin.address.path if pin.address.relative else pin.address.path
        for path, pin in pins.items()
    }


def _module_directories(lock: Lock) -> list[str]:
    """The outermost ``node_modules`` directories: the project's, and those of local packages."""
    found = {"node_modules": None}
    for entry in lock.entries:
        head, inside, _ = f"/{entry.install_path}".partition("/node_modules/")
        if inside and not head.startswith("/../"):
            found[f"{head}/node_modules"[1:]] = None
    return list(found)
