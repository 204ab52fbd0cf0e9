"""What an install path is filled from, told by an entry's address as npm tells it."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlunsplit

from npm2nixlite.errors import InputError
from npm2nixlite.lock.address import check_http_address
from npm2nixlite.lock.model import (
    GitRevision,
    LocalDirectory,
    LocalTarball,
    RegistryTarball,
    Source,
    UrlTarball,
)
from npm2nixlite.lock.path import check_package_name, check_relative_path

__all__ = [
    "TARBALL_NAME",
    "git_without_credentials",
    "http_address",
    "is_git",
    "registry_tarball",
    "source_at",
]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_GIT_SCHEMES = frozenset(
    [
        "git",
        "git+ssh",
        "git+https",
        "git+http",
        "git+file",
        "ssh",
        "github",
        "gitlab",
        "bitbucket",
        "gist",
    ]
)
TARBALL_NAME = re.compile(r".*\.(?:tgz|tar\.gz|tar)", re.IGNORECASE)
"""What npm takes for a tarball among local paths; the rest are directories."""
_REGISTRY_ADDRESS = re.compile(r"(?P<base>.*?/)(?P<name>(?:@[^/]+(?:/|%2[fF]))?[^/]+)/-/[^/?#]+")


def source_at(address: str, name: str, version: str | None) -> Source:
    """The source that a lock's ``resolved`` names.

    Args:
        address: http(s), git or ``file:``; a fragment of an http(s) address is dropped.
        name: The package's own name.
        version: As the entry gives it.

    Raises:
        InputError: It is none of these, is malformed, or carries credentials.
    """
    match = _SCHEME.match(address)
    scheme = match[1].lower() if match else ""
    if scheme in {"http", "https"}:
        return _http_source(address, name, version)
    if scheme in _GIT_SCHEMES:
        return GitRevision(git_without_credentials(address))
    if scheme == "file":
        path = address.removeprefix("file:")
        path = path.removeprefix("./")
        check_relative_path(path, may_leave=True)
        return LocalTarball(path) if TARBALL_NAME.fullmatch(path) else LocalDirectory(path)
    raise InputError(
        f"the address {address!r} is of no kind npm writes",
        hint="expected http://, https://, git or file:",
    )


def is_git(text: str) -> bool:
    """Whether a version 1 lock's ``version`` names a git revision."""
    match = _SCHEME.match(text)
    return match is not None and match[1].lower() in _GIT_SCHEMES


def registry_tarball(name: str, version: str) -> RegistryTarball:
    """A registry's package whose address the lock omits.

    Raises:
        InputError: The name is none that a registry could have. (The version is judged by the
            plan, with the library for that.)
    """
    check_package_name(name)
    return RegistryTarball(name, version)


def http_address(address: str) -> str:
    """An http(s) address as it may stand in a generated file: without a fragment.

    Raises:
        InputError: It is malformed, not normal, of another scheme, or carries credentials.
    """
    try:
        parts = check_http_address(address)
    except InputError as error:
        if "credentials" in error.what:
            error.hint = "take them out of the lock; give them in .npmrc, for that host"
        raise
    if {"..", "."} & set(unquote(parts.path).split("/")):
        raise InputError(f"the address {address!r} is not normal")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))


def _http_source(address: str, name: str, version: str | None) -> Source:
    url = http_address(address)
    match = _REGISTRY_ADDRESS.fullmatch(url)
    if match and version is not None and unquote(match["name"]) == name:
        base = match["base"]
        return RegistryTarball(name, version, base, url.removeprefix(base))
    return UrlTarball(url)


def git_without_credentials(address: str) -> str:
    """Drop what may be a token from a git address; an ssh address keeps its user's name."""
    if not address.partition("#")[0].count("//"):  # github:user:token@owner/repository
        return re.sub(r"^([^:/#]*:)[^/#]*@", r"\1", address, count=1)
    if "ssh://" in address.partition("#")[0]:
        return re.sub(r"(?<=//)([^/@:]*):[^/@]*@", r"\1@", address, count=1)
    return re.sub(r"(?<=//)(?!git@)[^/@]*@", "", address, count=1)
