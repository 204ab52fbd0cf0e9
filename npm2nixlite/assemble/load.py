"""From a manifest, and a lock where there is one, to the tree to install."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from npm2nixlite.assemble.archive import Archive
from npm2nixlite.assemble.groups import believe_flags, mark_groups, remove_extraneous
from npm2nixlite.assemble.header import BadTarballError, Kind
from npm2nixlite.assemble.manifest import FromTarball, LinkTo
from npm2nixlite.assemble.npm_version import rules_of
from npm2nixlite.assemble.package_json import (
    Json,
    normalize,
    normalize_bin,
    parse_package_json,
    read_package_json,
)
from npm2nixlite.assemble.tree import Node, Tree, build_tree
from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from npm2nixlite.assemble.manifest import Manifest

__all__ = ["described_entries", "load_tree", "own_entries", "read_lock_json"]

_FILES = (Kind.FILE, Kind.CONTIGUOUS)


def read_lock_json(path: Path) -> Json:
    """A lock as it is.

    Raises:
        InputError: It cannot be read, or is no JSON object.
    """
    try:
        lock = parse_json(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"no lock: {error}", where=str(path)) from error
    if not isinstance(lock, dict):
        raise InputError("a lock is an object", where=str(path))
    return lock


def load_tree(manifest: Manifest, lock: Json | None) -> Tree:
    """The tree, with its groups marked.

    A lock of version 2 or 3 says what each package depends on. One of version 1 does not: npm asks
    the registry then, and here the tarballs are asked. Without a lock there are no edges, and the
    groups are those of the manifest.

    Raises:
        BuildError: A tarball cannot be read.
        InputError: The lock has a link without target.
    """
    project = _project(manifest, lock)
    if lock is None:
        return _without_edges(manifest, _from_manifest(manifest))
    tarballs = {
        path: entry.origin.file
        for path, entry in manifest.packages.items()
        if isinstance(entry.origin, FromTarball)
    }
    described = described_entries(lock, tarballs)
    _read_directories(manifest, described)
    if project is None:
        return _without_edges(manifest, described)
    try:
        tree = build_tree(
            project,
            described,
            rules=rules_of(manifest.platform.npm),
            peers=not manifest.recorded.is_set("legacy-peer-deps"),
        )
    except KeyError as error:
        raise InputError(f"a link's target {error} is not in the lock") from error
    packages = lock.get("packages")
    if not (isinstance(packages, dict) and believe_flags(tree, packages.get(""))):
        mark_groups(tree)
        remove_extraneous(tree)
    for path in manifest.recorded.removed:
        if path in tree.nodes:
            tree.remove(tree.nodes[path])
    return tree


def _read_directories(
    manifest: Manifest, described: dict[str, tuple[Mapping[str, object], Json]]
) -> None:
    """Let local directories speak for themselves, where their package.json is at hand."""
    for path, (entry, _) in described.items():
        directory = manifest.directory(path)
        package = None if directory is None else _local(directory)
        if package is None and path in manifest.recorded.manifests:
            package = normalize(manifest.recorded.manifest(path) or {})
        if package is not None:
            described[path] = (entry, package)


def described_entries(
    lock: Json, tarballs: Mapping[str, str]
) -> dict[str, tuple[Mapping[str, object], Json]]:
    """A lock's entries, each with what is known of the package, normalised; the project's aside.

    Args:
        lock: One of version 1 says nothing of what a package depends on.
        tarballs: Install path → tarball, which is asked then.

    Raises:
        BuildError: A tarball cannot be read.
    """
    if isinstance(lock.get("packages"), dict):
        entries = {path: entry for path, entry in _entries(lock["packages"]) if path}
        return {path: (entry, _described(path, entry)) for path, entry in entries.items()}
    required = _requirements(lock)
    return {
        path: (entry, _asked(path, entry, tarballs.get(path), required.get(path)))
        for path, entry in _entries(_v1(lock))
    }


def own_entries(lock: Json) -> dict[str, tuple[Mapping[str, object], Json]]:
    """The entries of a package's own lock, for which nothing but that lock is asked."""
    if isinstance(lock.get("packages"), dict):
        return described_entries(lock, {})
    required = _requirements(lock)
    return {
        path: (entry, _described(path, {**entry, "dependencies": required.get(path) or {}}))
        for path, entry in _entries(_v1(lock))
    }


def _project(manifest: Manifest, lock: Json | None) -> Json | None:
    if manifest.package_json is not None:
        try:
            package = parse_package_json(manifest.package_json.read_bytes())
        except OSError as error:
            raise InputError(f"no package.json: {error}") from error
        if package is not None:
            return normalize(package)
    package = manifest.recorded.manifest("")
    if package is not None:
        return normalize(package)
    packages = lock.get("packages") if lock is not None else None
    root = packages.get("") if isinstance(packages, dict) else None
    return normalize(root) if isinstance(root, dict) else None


def _entries(packages: object) -> Iterator[tuple[str, Json]]:
    if isinstance(packages, dict):
        yield from ((path, entry) for path, entry in packages.items() if isinstance(entry, dict))


def _v1(lock: Json) -> Json:
    # here, and not above: a version 3 lock has no need of what these import in turn
    from npm2nixlite.lock.fields import Fields
    from npm2nixlite.lock.v1 import packages_of_v1

    fields = packages_of_v1(Fields(lock))
    return {path: fields.raw(path) for path in fields}


def _requirements(lock: Json, above: str = "") -> dict[str, object]:
    """Install path → what a version 1 lock says the package requires."""
    found: dict[str, object] = {}
    for name, entry in _entries(lock.get("dependencies")):
        path = f"{above}node_modules/{name}"
        found[path] = entry.get("requires")
        found |= _requirements(entry, f"{path}/")
    return found


def _described(path: str, entry: Mapping[str, object]) -> Json:
    return normalize({"name": _folder_name(path), **entry})


def _asked(path: str, entry: Mapping[str, object], tarball: str | None, required: object) -> Json:
    """What the registry would answer about a version 1 lock's package; the tarball is asked."""
    alias = entry.get("name", _folder_name(path)) != _folder_name(path)
    if alias or not path.startswith("node_modules"):
        # npm asks about the alias by its new name, and gets no answer; about what stands in a local
        # directory it does not ask; it keeps what the lock has
        return _described(path, {**entry, "dependencies": required or {}})
    package = None if tarball is None else _packed_package_json(path, tarball)
    if package is None:
        return _described(path, entry)
    package = normalize(package)
    folders = package.pop("directories", None)
    folder = folders.get("bin") if isinstance(folders, dict) else None
    if isinstance(folder, str) and not package.get("bin") and tarball is not None:
        # npm writes them out when it publishes
        package["bin"] = {
            posixpath.basename(file): posixpath.join(folder, file)
            for file in _packed_files(path, tarball, folder)
        }
    bins = normalize_bin(package)
    package.pop("bin", None)
    if bins:
        package["bin"] = bins
    scripts = package.get("scripts")
    if isinstance(scripts, dict) and {"preinstall", "install", "postinstall"} & set(scripts):
        package["hasInstallScript"] = True
    return {"name": _folder_name(path), **package}


def _packed_package_json(path: str, tarball: str) -> Json | None:
    try:
        with open(tarball, "rb", buffering=0) as file:
            archive = Archive(file)
            for entry in archive.entries():
                if entry.kind in _FILES and entry.path.split("/")[1:] == ["package.json"]:
                    return parse_package_json(b"".join(archive.body()))
    except (OSError, BadTarballError) as error:
        raise BuildError(f"{tarball} cannot be read: {error}", where=path) from error
    return None


def _packed_files(path: str, tarball: str, folder: str) -> list[str]:
    """The files below a folder of a package, relative to it; none with a leading dot."""
    inside = [part for part in folder.split("/") if part not in ("", ".")]
    found = []
    try:
        with open(tarball, "rb", buffering=0) as file:
            for entry in Archive(file).entries():
                parts = [part for part in entry.path.split("/")[1:] if part not in ("", ".")]
                below = parts[len(inside) :]
                shown = below and not any(part.startswith(".") for part in below)
                if entry.kind in _FILES and shown and parts[: len(inside)] == inside:
                    found.append("/".join(below))
    except (OSError, BadTarballError) as error:
        raise BuildError(f"{tarball} cannot be read: {error}", where=path) from error
    return sorted(found)


def _local(directory: str) -> Json | None:
    from pathlib import Path

    return read_package_json(Path(directory))


def _from_manifest(manifest: Manifest) -> dict[str, tuple[Mapping[str, object], Json]]:
    described: dict[str, tuple[Mapping[str, object], Json]] = {}
    for path, entry in manifest.packages.items():
        shaped = entry.fields
        if isinstance(entry.origin, LinkTo):
            shaped = {"link": True, "resolved": entry.origin.target}
        described[path] = (shaped, _described(path, shaped))
    return described


def _without_edges(
    manifest: Manifest, described: Mapping[str, tuple[Mapping[str, object], Json]]
) -> Tree:
    blind = {
        path: (entry, {key: value for key, value in package.items() if "ependencies" not in key})
        for path, (entry, package) in described.items()
    }
    tree = build_tree({}, blind, rules=rules_of(manifest.platform.npm))
    for node in tree.nodes.values():
        known = manifest.packages.get(node.location)
        _take_flags(node, node.entry if known is None else known.fields or node.entry)
    return tree


def _take_flags(node: Node, entry: Mapping[str, object]) -> None:
    node.extraneous = False
    node.dev = entry.get("dev") is True
    node.optional = entry.get("optional") is True
    node.dev_optional = entry.get("devOptional") is True
    node.peer = entry.get("peer") is True


def _folder_name(path: str) -> str:
    scope, _, name = path.rpartition("/")
    scope = scope.rpartition("/")[2]
    return f"{scope}/{name}" if scope.startswith("@") else name
