"""Read a lock of any version, as npm's arborist reads it.

A lock with ``packages`` (version 2 and 3) is read from there; only where that is absent does the
older ``dependencies`` count, as it does for npm.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.files import parse_json, read_file, reason
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.lock.fields import Fields
from npm2nixlite.lock.model import (
    Bundled,
    Link,
    LocalDirectory,
    LocalTarball,
    Lock,
    Missing,
    Package,
    RegistryTarball,
    Source,
    UrlTarball,
)
from npm2nixlite.lock.path import check_links, check_relative_path, is_directory, name_at
from npm2nixlite.lock.source import registry_tarball, source_at
from npm2nixlite.lock.v1 import packages_of_v1

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_lock", "read_lock"]

_VERSIONS = (1, 2, 3)
_LARGEST = 256 << 20  # bytes of a lock


def read_lock(path: Path) -> Lock:
    """Read and parse a lock.

    Raises:
        InputError: It cannot be read, or see `parse_lock`.
    """
    try:
        content = read_file(path, _LARGEST)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {reason(error)}", where=str(path)) from error
    return parse_lock(content, str(path))


def parse_lock(content: bytes, file: str) -> Lock:
    """Parse a lock's bytes.

    Args:
        content: UTF-8 JSON, with or without a byte order mark.
        file: What to call it in messages.

    Raises:
        InputError: It is no JSON, no lock, of an unknown version, or has an entry that cannot be
            meant; the message names the file and the entry's install path.
    """
    try:
        return _parse(content, file)
    except Npm2nixliteError as error:
        raise error.within(file) from error
    except RecursionError as error:
        raise InputError("nested too deep", where=file) from error
    except ValueError as error:  # an address with half a bracket, a number that is too long
        raise InputError(f"cannot be understood: {error}", where=file) from error


def _parse(content: bytes, file: str) -> Lock:
    top = Fields(_parse_json(content))
    version = _lock_version(top)
    entries = _entries(top)
    packages = top.fields("packages")
    root = packages.fields("")
    return Lock(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        version=version,
        project_name=top.text("name") or root.text("name"),
        project_version=top.text("version") or root.text("version"),
        entries=tuple(sorted(entries, key=lambda entry: entry.install_path)),
        requested={
            path: packages.fields(path).requested() for path in packages if is_directory(path)
        },
    )


def _parse_json(content: bytes) -> object:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: byte {error.start} is wrong") from error
    try:
        return parse_json(text)
    except ValueError as error:
        if "\n<<<<<<<" in f"\n{text}":
            hint = "it has conflict markers: resolve them with 'npm install --package-lock-only'"
        else:
            hint = "it may be cut short; restore it, or make it anew with npm"
        raise InputError(f"not JSON: {error}", hint=hint) from error


def _lock_version(top: Fields) -> int:
    given = top.raw("lockfileVersion")
    if given is None and "dependencies" in top and "packages" not in top:
        return 1  # written by npm 4 and before
    if given is None:
        raise InputError(
            "this is no lock: it has no lockfileVersion",
            hint="name a package-lock.json or npm-shrinkwrap.json",
        )
    if not isinstance(given, int | float) or isinstance(given, bool) or given not in _VERSIONS:
        raise InputError(
            f"unknown lockfileVersion {given!r}",
            hint="1, 2 and 3 are known; 'npm install --package-lock-only "
            "--lockfile-version 3' writes one of these",
        )
    return int(given)  # 3.0 is 3 in JSON


def _entries(top: Fields) -> list[Package | Link]:
    packages = top.fields("packages") if "packages" in top else packages_of_v1(top)
    entries: list[Package | Link] = []
    for install_path in packages:
        if not install_path:
            continue
        try:
            fields = packages.fields(install_path)
            # Outside the project only what something depends on counts. Whether that in it is
            # really of no use, npm works out.
            if not (fields.flag("extraneous") and install_path.startswith("../")):
                entries.append(_entry(install_path, fields))
        except Npm2nixliteError as error:
            raise error.within(install_path) from error
    check_links(
        {entry.install_path: entry.target for entry in entries if isinstance(entry, Link)},
        {entry.install_path: None for entry in entries if isinstance(entry, Package)},
    )
    return entries


def _entry(install_path: str, fields: Fields) -> Package | Link:
    check_relative_path(install_path, may_leave=True)
    if fields.flag("link"):
        name_at(install_path)
        target = fields.text("resolved")
        if target is None:
            raise InputError("this link names no target")
        if target:
            check_relative_path(target, may_leave=True)
        return Link(install_path, target)
    version = fields.text("version")
    if is_directory(install_path):
        name = fields.text("name") or install_path.rpartition("/")[2]
        source: Source = LocalDirectory(install_path)
    else:
        own = name_at(install_path)
        name = fields.text("name") or own
        source = _source(install_path, name, version, fields)
    return Package(
        install_path=install_path,
        name=name,
        version=version,
        source=source,
        integrities=_integrities(fields, source),
        dev=fields.flag("dev"),
        optional=fields.flag("optional"),
        dev_optional=fields.flag("devOptional"),
        peer=fields.flag("peer"),
        extraneous=fields.flag("extraneous"),
        in_bundle=fields.flag("inBundle"),
        has_install_script=fields.flag("hasInstallScript"),
        os=fields.texts("os"),
        cpu=fields.texts("cpu"),
        libc=fields.texts("libc"),
        engines=fields.engines(),
        bin=fields.bin(name),
        requested=fields.depended_on(),
        peers=fields.required_peers(),
        has_shrinkwrap=fields.raw("hasShrinkwrap") is True,
    )


def _source(install_path: str, name: str, version: str | None, fields: Fields) -> Source:
    address = fields.text("resolved")
    if address is not None:
        return source_at(address, name, version)
    if _parent(install_path) and fields.flag("inBundle") and "integrity" not in fields:
        return Bundled()
    if version is not None:
        return registry_tarball(name, version)
    # npm leaves it out where it is optional or nobody asks for it; whether that is so, the
    # comparison with package.json tells.
    return Missing()


def _integrities(fields: Fields, source: Source) -> frozenset[Integrity]:
    text = fields.text("integrity")
    if not text or not isinstance(source, RegistryTarball | UrlTarball | LocalTarball):
        # What npm packs itself (git, local directories) has no stable bytes to hold it to.
        return frozenset()
    return parse_integrity(text)


def _parent(install_path: str) -> str:
    """The install path of the package that this one stands in; empty for the root project."""
    return install_path.rpartition("node_modules/")[0].rstrip("/")
