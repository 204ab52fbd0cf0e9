"""Render a lock and the hashes of its tarballs as ``node-packages.nix``.

The text is a function of the lock and of the tarballs' hashes and addresses, of nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.lock.model import Link, LocalDirectory, Lock, Missing, Package
from npm2nixlite.node_packages.frame import ARGUMENTS, BODY, PREPARE, PREPARED
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.node_packages.syntax import nix_attributes, nix_list, nix_name, nix_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.plan import Address, Blocker

__all__ = ["AnyPin", "GitPin", "LocalPin", "Pin", "Prepared", "render_node_packages"]


@dataclass(frozen=True, slots=True)
class Pin:
    """A tarball's address and the hash of its bytes: what a fixed-output derivation needs."""

    address: Address
    sha512: Integrity


@dataclass(frozen=True, slots=True)
class LocalPin:
    """A tarball's path below the project's directory, and the hash of its bytes."""

    path: str
    sha256: Integrity


@dataclass(frozen=True, slots=True)
class GitPin:
    """A git tree, the hash of its NAR, whether submodules are in it, whether it is built first."""

    tree: GitTree
    sha256: Integrity
    submodules: bool
    prepare: bool = False


AnyPin = Pin | LocalPin | GitPin
"""What an install path can be filled from."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a git dependency is built by before it is packed: its own lock, and that one's pins."""

    lock: Lock
    pins: Mapping[str, AnyPin]


def render_node_packages(
    lock: Lock,
    pins: Mapping[str, AnyPin],
    blockers: Iterable[Blocker],
    registry: str | None,
    project: str = ".",
    prepared: Mapping[GitTree, Prepared] | None = None,
) -> str:
    """The text of a ``node-packages.nix``.

    Args:
        lock: What it is made from.
        pins: Install path → tarball, for every entry that is filled from one.
        blockers: Why the lock is not canonical.
        registry: The default of the argument ``registry``; None for none.
        project: The lock's directory, relative to that of the text's file, with slashes.
        prepared: What git dependencies are built by, those included that only these need.
    """
    blockers = tuple(blockers)
    lock_name = lock.file.rpartition("/")[2].encode("ascii", "replace").decode()
    lock_name = "".join(filter(str.isprintable, lock_name))  # it stands in a comment
    default = "" if registry is None else f" ? {nix_string(registry)}"
    below = "./." if project == "." else f"./. + {nix_string(f'/{project}')}"
    lines = [ARGUMENTS.format(lock_name=lock_name, default=default, project=below)]
    lines += _lines(lock, pins, "    ")
    body = BODY.format(
        name=_optional_string(lock.project_name),
        version=_optional_string(lock.project_version),
        lockfile_version=lock.version,
        lock_hash=nix_string(f"sha256:{lock.sha256}"),
        canonical="false" if blockers else "true",
        blockers=_blockers(blockers),
        prepared=_prepared(prepared) if prepared else "",
        entries="everything" if prepared else "(builtins.attrValues locked)",
        prepare=PREPARE.format() if prepared else "",
    )
    return "".join((*lines, body))


def _lines(lock: Lock, pins: Mapping[str, AnyPin], indent: str) -> Iterator[str]:
    for entry in lock.entries:
        if isinstance(entry, Package) and isinstance(entry.source, Missing):
            continue
        attributes = (
            {"link": nix_string(entry.target)}
            if isinstance(entry, Link)
            else _package(entry, pins.get(entry.install_path))
        )
        yield f"{indent}{nix_name(entry.install_path)} = {nix_attributes(attributes)};\n"


def _prepared(prepared: Mapping[GitTree, Prepared]) -> str:
    blocks = [
        f"    {nix_name(str(tree))} = {{\n"
        + "".join(_lines(built.lock, built.pins, "      "))
        + "    };\n"
        for tree, built in prepared.items()
    ]
    return PREPARED.format(prepared="".join(blocks))


def _package(package: Package, pin: AnyPin | None) -> dict[str, str]:
    attributes: dict[str, str] = {}
    if not package.install_path.endswith(f"node_modules/{package.name}"):
        attributes["name"] = nix_string(package.name)
    if package.version is not None:
        attributes["version"] = nix_string(package.version)
    if isinstance(package.source, LocalDirectory):
        attributes["directory"] = nix_string(package.source.path)
    if pin is not None:
        attributes.update(_source(pin))
    flags = {
        "dev": package.dev,
        "optional": package.optional,
        "devOptional": package.dev_optional,
        "peer": package.peer,
        "inBundle": package.in_bundle,
        "hasInstallScript": package.has_install_script,
    }
    attributes.update({name: "true" for name, value in flags.items() if value})
    platforms = {"os": package.os, "cpu": package.cpu, "libc": package.libc}
    attributes.update(
        {name: nix_list([*map(nix_string, value)]) for name, value in platforms.items() if value}
    )
    return attributes


def _source(pin: AnyPin) -> dict[str, str]:
    if isinstance(pin, GitPin):
        return _git(pin)
    if isinstance(pin, LocalPin):
        place, path, hashed = "file", pin.path, {"sha256": nix_string(str(pin.sha256))}
    else:
        place, path = "path" if pin.address.relative else "url", pin.address.path
        hashed = {"hash": nix_string(str(pin.sha512))}
    attributes = {place: nix_string(path)}
    name, must_be_given = store_name(path)
    if must_be_given:
        attributes["storeName"] = nix_string(name)
    return attributes | hashed


def _git(pin: GitPin) -> dict[str, str]:
    tree = pin.tree
    # As nixpkgs' fetchgit names it, so that the store path is the same.
    name, _ = store_name(f"{tree.name}-{tree.rev[:7]}")
    texts = {"git": tree.url, "rev": tree.rev, "narHash": str(pin.sha256), "storeName": name}
    if tree.directory:
        texts["subdirectory"] = tree.directory
    attributes = {key: nix_string(text) for key, text in texts.items()}
    flags = {"submodules": pin.submodules, "prepare": pin.prepare}
    return attributes | {name: "true" for name, value in flags.items() if value}


def _blockers(blockers: tuple[Blocker, ...]) -> str:
    if not blockers:
        return "[ ]"
    items = "".join(
        f"    {{ path = {nix_string(item.install_path)}; reason = {nix_string(item.reason)}; }}\n"
        for item in blockers
    )
    return f"[\n{items}  ]"


def _optional_string(text: str | None) -> str:
    return "null" if text is None else nix_string(text)
