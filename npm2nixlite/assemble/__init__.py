"""Assemble ``node_modules`` from tarballs, file for file as ``npm ci --ignore-scripts`` does.

Standard library only: this runs inside the Nix sandbox. The installed npm's own source is the
reference for every rule; where it is strange, so is this.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.bins import link_bins, mark_bins
from npm2nixlite.assemble.bundles import adopt_bundled, bundled_nodes
from npm2nixlite.assemble.hidden_lock import formatting, hidden_lock
from npm2nixlite.assemble.load import load_tree, read_lock_json
from npm2nixlite.assemble.package_json import Json, normalize_bin, read_package_json
from npm2nixlite.assemble.parallel import Job, cores, unpack_all
from npm2nixlite.assemble.selection import leave_out
from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.assemble.manifest import Manifest
    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["HIDDEN_LOCK", "assemble"]

HIDDEN_LOCK = "node_modules/.package-lock.json"
"""Where npm notes what it installed."""


def assemble(manifest: Manifest, out: Path, processes: int | None = None) -> None:
    """Install a manifest's packages below ``out``, which then looks as a project does after npm.

    Args:
        manifest: What to install.
        out: A directory that does not exist yet, or has no ``node_modules``.
        processes: How many unpack at once; as many as there are cores where not given.

    Raises:
        BuildError: A tarball is missing, damaged or unsafe, or a package is not for the platform.
        InputError: The lock cannot be read.
    """
    lock = None if manifest.lock is None else read_lock_json(manifest.lock)
    tree = load_tree(manifest, lock)
    leave_out(tree, manifest.platform, manifest.omit)
    (out / "node_modules").mkdir(parents=True, exist_ok=True)
    unpack_all([*_jobs(manifest, tree, out)], processes or cores())
    _fill_local(manifest, tree, out)
    for node in tree.walk():
        if node.link is not None:
            outside = _outside(manifest, node.link)
            _link(out / node.location, out / node.link.location, outside)
    adopt_bundled(tree, out)
    link_bins(out, [*_commands(tree, out, from_lock=lock is not None)])
    if lock is not None and "packages" not in lock:
        _mark_aliases(tree, out)
    if manifest.lock is not None and lock is not None:
        _note_commands(tree)
        _note_build_files(tree, out)
        text = hidden_lock(tree, lock, *formatting(manifest.package_json or manifest.lock))
        (out / HIDDEN_LOCK).write_text(text, "utf-8", newline="")


def _jobs(manifest: Manifest, tree: Tree, out: Path) -> Iterator[Job]:
    bundled = bundled_nodes(tree)
    filled: dict[Node, str] = {}
    for node in tree.walk():
        if node.link is not None:
            continue
        packed = manifest.packages.get(node.location, {})
        tarball = packed.get("tarball")
        if bundled.get(node, tree.root) is not tree.root:
            continue
        if isinstance(tarball, str):
            filled[node] = tarball
        elif not (packed.get("directory") or packed.get("inBundle") or node.optional):
            raise BuildError(
                "the manifest names no tarball for this package",
                where=node.location,
                hint="generate the packages anew from this lock",
            )
    for node, tarball in filled.items():
        nested = frozenset(
            f"node_modules/{child.name}" for child in node.children.values() if child in filled
        )
        yield Job(tarball, f"{out}/{node.location}", _title(node), nested)


def _title(node: Node) -> str:
    name, version = node.package.get("name"), node.package.get("version")
    return f"{node.location} ({name}@{version})" if version else node.location


def _fill_local(manifest: Manifest, tree: Tree, out: Path) -> None:
    wanted = [node for node in tree.walk() if node.link is None]
    wanted += [node.link for node in tree.walk() if node.link is not None]
    for node in dict.fromkeys(wanted):
        directory = manifest.packages.get(node.location, {}).get("directory")
        if isinstance(directory, str) and not node.location.startswith("../"):
            from npm2nixlite.assemble.local import copy_directory

            copy_directory(Path(directory), out / node.location)


def _outside(manifest: Manifest, target: Node) -> Path | None:
    """Where a directory beside the project is: nothing can be copied to beside the output."""
    directory = manifest.packages.get(target.location, {}).get("directory")
    outside = target.location.startswith("../") and isinstance(directory, str)
    return Path(str(directory)) if outside else None


def _link(link: Path, target: Path, outside: Path | None) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside or os.path.relpath(target, link.parent))


def _commands(tree: Tree, out: Path, *, from_lock: bool) -> Iterator[tuple[Node, Json]]:
    """Each package with the manifest npm takes its commands from: a lock's, or its own."""
    for node in tree.walk():
        # only the manifests that stand in for a registry's answer have directories to look into
        if from_lock and "directories" not in node.package:
            yield node, node.package
        else:
            yield node, read_package_json(out / node.location) or node.package


def _mark_aliases(tree: Tree, out: Path) -> None:
    """A version 1 lock does not tell an alias's commands, so that npm does not link them."""
    for node in tree.walk():
        name = node.entry.get("name", node.name)
        if node.link is None and name != node.name and not node.entry.get("resolved"):
            mark_bins(out / node.location)


def _note_commands(tree: Tree) -> None:
    """Linking commands cleans their names and files, in what npm notes as well."""
    for node in tree.walk():
        if node.package.get("bin"):
            node.package["bin"] = normalize_bin(node.package)


def _note_build_files(tree: Tree, out: Path) -> None:
    """Where a package has a ``binding.gyp`` and no script for it, npm runs node-gyp: a script."""
    for node in tree.walk():
        scripts = node.package.get("scripts")
        named = isinstance(scripts, dict) and {"install", "preinstall"} & scripts.keys()
        if node.package.get("gypfile") is False or named:
            continue
        if os.access(f"{out}/{node.location}/binding.gyp", os.F_OK):
            node.package["hasInstallScript"] = True
