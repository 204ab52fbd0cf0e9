"""Version 1 locks: nested ``dependencies`` become install paths, as arborist migrates them.

In version 1 the field ``version`` can hold a version, an alias (``npm:``), an address, a git
revision or a local path; what it is decides where the rest of the entry belongs.
"""

from __future__ import annotations

import re
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.lock.fields import Fields
from npm2nixlite.lock.source import TARBALL_NAME, is_git

__all__ = ["packages_of_v1"]

_TARBALL_VERSION = re.compile(
    r"(?P<version>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.-]+)?)(?:\+[0-9A-Za-z.-]+)?\.tgz"
)
_ALIAS = re.compile(r"npm:(?P<name>@?[^@]+)@(?P<version>.+)")


def packages_of_v1(top: Fields) -> Fields:
    """A version 1 lock's entries, spelled as versions 2 and 3 spell them.

    Args:
        top: The whole lock.

    Returns:
        Install path → entry, as the ``packages`` of a version 3 lock.

    Raises:
        InputError: An entry is of a wrong type; the message names its install path.
    """
    packages: dict[str, object] = {}
    _add_dependencies(top, "", packages)
    return Fields(packages)


def _add_dependencies(parent: Fields, location: str, packages: dict[str, object]) -> None:
    dependencies = parent.fields("dependencies")
    for name in dependencies:
        install_path = f"{location}/node_modules/{name}" if location else f"node_modules/{name}"
        try:
            fields = dependencies.fields(name)
            entry = _entry(name, fields)
        except Npm2nixliteError as error:
            raise error.within(install_path) from error
        packages[install_path] = entry
        target = str(entry["resolved"]) if "link" in entry else None
        if target is not None:
            packages.setdefault(target, {"name": name, **_flags(fields)})
        # What is nested under a link stands in the link's target.
        _add_dependencies(fields, install_path if target is None else target, packages)


def _entry(name: str, fields: Fields) -> dict[str, object]:
    entry = _flags(fields)
    if "integrity" in fields:
        entry["integrity"] = fields.raw("integrity")
    if fields.flag("bundled"):
        entry["inBundle"] = True
    version = fields.text("version")
    resolved = fields.text("resolved")
    if resolved is not None:
        entry["resolved"] = resolved
    if version is None:
        return entry
    alias = _ALIAS.fullmatch(version)
    if alias:
        entry.update(name=alias["name"], version=alias["version"])
    elif version.startswith("file:"):
        return entry | _local(version.removeprefix("file:"))
    elif version.startswith(("http://", "https://")):
        entry |= {"resolved": version, **_from_address(name, version)}
    elif is_git(version):
        entry["resolved"] = version
    elif "/" in version and ":" not in version:
        entry["resolved"] = f"github:{version}"  # npm's short form, user/repository#revision
    else:
        entry["version"] = version
    return entry


def _from_address(name: str, address: str) -> dict[str, object]:
    """The version, and the name where it is another, as arborist reads them off an address."""
    path = urlsplit(address).path
    above, registry, file = path[1:].rpartition("/-/")
    own = unquote(above if registry and "/" not in file else name)
    scope, _, project = own.rpartition("/")
    scope = scope.rpartition("/")[2]
    match = _TARBALL_VERSION.fullmatch(path.rpartition("/")[2].removeprefix(f"{project}-"))
    if match is None or not path.rpartition("/")[2].startswith(f"{project}-"):
        return {}
    full = f"{scope}/{project}" if scope.startswith("@") else project
    found: dict[str, object] = {"version": match["version"]}
    return found if full == name else {**found, "name": full}


def _local(path: str) -> dict[str, object]:
    if path.startswith("/"):
        raise InputError(
            f"the path {path!r} is absolute",
            hint="depend on a path that is relative to the project",
        )
    path = normpath(path)
    if TARBALL_NAME.fullmatch(path):
        return {"resolved": f"file:{path}"}
    return {"link": True, "resolved": "" if path == "." else path}


def _flags(fields: Fields) -> dict[str, object]:
    return {key: fields.raw(key) for key in ("dev", "optional") if key in fields}
