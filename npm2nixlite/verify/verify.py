"""``verify``: is the assembled tree the one that the installed npm makes?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.assemble.manifest import FromDirectory
from npm2nixlite.assemble.node_modules import assemble
from npm2nixlite.assemble.trees import pack_trees
from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.files import scratch_directory, walk
from npm2nixlite.generate import GenerateOptions, generate
from npm2nixlite.lock.find import find_lock
from npm2nixlite.node_packages.from_lock import Prepared
from npm2nixlite.node_packages.model import Pin
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.upkeep import drop_wrong
from npm2nixlite.verify.compare import Difference, differences
from npm2nixlite.verify.host import host_platform
from npm2nixlite.verify.nix_library import as_nix_hands_over, has_nix
from npm2nixlite.verify.npm import (
    NpmVersions,
    copy_outside,
    copy_project,
    forget_registry_fields,
    installed_versions,
    npm_ci,
    seed_cache,
)
from npm2nixlite.verify.sources import TreeSources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from npm2nixlite.assemble.manifest import Manifest, ManifestEntry
    from npm2nixlite.cache import Cache
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.model import Lock
    from npm2nixlite.node_packages.model import AnyPin
    from npm2nixlite.progress import Progress

__all__ = ["Verification", "addresses_of", "host_platform", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison found.

    Attributes:
        versions: Of the npm and the Node.js that were compared with.
        differences: In the order of their paths; empty where the trees are equal.
        entries: How many paths the assembled tree has.
        way: ``nix`` where the Nix library decided what is handed to the assembler; ``assembler``
            where there is no Nix to ask.
    """

    versions: NpmVersions
    differences: tuple[Difference, ...]
    entries: int
    way: str = "assembler"


def verify(
    project: Path,
    cache: Cache,
    options: GenerateOptions,
    omit: frozenset[str] = frozenset(),
    progress: Progress = no_progress,
) -> Verification:
    """Assemble a project's tree, let npm install it, and compare.

    Args:
        project: A directory with a lock.
        cache: The download cache.
        options: How to fetch.
        omit: Groups to leave out: ``dev``, ``optional``, ``peer``.
        progress: Told how the fetch goes.

    Raises:
        BuildError: Assembling fails, or npm does.
        FetchError: A package could not be fetched or verified.
        InputError: The lock cannot be used, or gives no commit for a git dependency.
    """
    project = find_lock(project).absolute().parent
    (generated,), _ = generate([project], cache, options, progress)
    used = [generated.pins, *(built.pins for built in generated.prepared.values())]
    tarballs = [pin.sha512 for pins in used for pin in pins.values() if isinstance(pin, Pin)]
    if drop_wrong(cache, tarballs):
        (generated,), _ = generate([project], cache, options, progress)
    lock, pins = generated.plan.lock, generated.pins
    versions = installed_versions()
    config = load_registry_config(project, user_file=options.npmrc, registry=options.registry)
    with scratch_directory("npm2nixlite-verify-") as work:
        theirs = copy_project(project, lock, work / "npm")
        ours = copy_outside(theirs, lock, work / "npm", work / "ours")
        sources = TreeSources(cache, generated.prepared, host_platform(versions), work)
        recorded = generated.decision.recorded
        left_out = omit or frozenset(recorded.omit)
        manifest = sources.manifest(lock, theirs, pins, left_out, recorded)
        way = "assembler"
        if has_nix():
            way = "nix"
            packages = work / "npm-packages" / OUTPUT_NAME
            if generated.plan.local_files:
                packages = theirs / OUTPUT_NAME
            packages.parent.mkdir(exist_ok=True)
            packages.write_text(generated.text, "utf-8", newline="")
            base = generated.plan.registry or config.registry
            filled = manifest
            manifest = as_nix_hands_over(filled, packages, base, omit or None)
            manifest = replace(manifest, packages={**manifest.packages, **_local(filled)})
        assemble(pack_trees(manifest, work), ours)
        for built in (Prepared(lock, pins), *generated.prepared.values()):
            seed_cache(work / "cache", _seeds(built, cache))
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
        entries = sum(1 for _ in walk(ours))
    return Verification(versions, tuple(found), entries, way)


def _local(manifest: Manifest) -> dict[str, ManifestEntry]:
    """Local directories, which a user gives (`localDependencies`, or `src`)."""
    return {
        path: entry
        for path, entry in manifest.packages.items()
        if isinstance(entry.origin, FromDirectory)
    }


def _seeds(needed: Prepared, cache: Cache) -> Iterator[tuple[Path, frozenset[Integrity]]]:
    for package in needed.lock.packages:
        pin = needed.pins.get(package.install_path)
        if isinstance(pin, Pin):
            yield cache.path(pin.sha512), package.integrities


def addresses_of(pins: Mapping[str, AnyPin], base: str) -> dict[str, str]:
    """Install path → whole address, of tarballs at or below a registry base."""
    return {
        path: base + pin.address.path if pin.address.relative else pin.address.path
        for path, pin in pins.items()
        if isinstance(pin, Pin)
    }


def _module_directories(lock: Lock) -> list[str]:
    """The outermost ``node_modules`` directories: the project's, and those of local packages."""
    found = {"node_modules": None}
    for entry in lock.entries:
        head, inside, _ = f"/{entry.install_path}".partition("/node_modules/")
        if inside and not head.startswith("/../"):
            found[f"{head}/node_modules"[1:]] = None
    return list(found)
