"""Whose install scripts a project allows: ``allowScripts``, matched as npm matches it.

It mirrors npm's ``resolve-allow-scripts`` and arborist's ``script-allowed``: what counts is where a
package comes from, as the lock says it, and not what a tarball says of itself.
"""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import read_package_json
from npm2nixlite.assemble.platform import Platform
from npm2nixlite.errors import InputError
from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.lock.model import (
    GitRevision,
    LocalDirectory,
    LocalTarball,
    Package,
    RegistryTarball,
    UrlTarball,
)
from npm2nixlite.messages import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.lock.model import Lock

__all__ = ["Decisions", "decide", "read_policy", "scripts_of_project"]

_NAME = re.compile(r"(?P<name>@[^/@\s]+/[^/@\s]+|[^/@\s:#]+)(?:@(?P<spec>.*))?")
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_CPUS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True)
class Decisions:
    """Whose install scripts may run.

    Attributes:
        decided: Install path → whether they may, for what the policy names.
        undecided: Packages with install scripts that it does not name, as far as they are
            installed on this machine.
        ignored: Keys of the policy that npm passes over, and why.
    """

    decided: Mapping[str, bool]
    undecided: tuple[Package, ...]
    ignored: Mapping[str, str]

    @property
    def undecided_labels(self) -> list[str]:
        """The undecided packages by name and version, each once."""
        return sorted({f"{package.name}@{package.version}" for package in self.undecided})

    def notes(self) -> Iterator[str]:
        """What is worth telling a user."""
        for key, why in self.ignored.items():
            yield f"npm passes over {key!r} in allowScripts: {why}"
        if self.undecided:
            yield (
                "install scripts that allowScripts does not name do not run: "
                f"{', '.join(self.undecided_labels)}"
            )


def scripts_of_project(lock: Lock, settings: Mapping[str, str]) -> Decisions:
    """What a project decides of its lock's packages.

    Args:
        lock: Its package.json is beside it.
        settings: Those of its ``.npmrc`` files; with ``strict-allow-scripts``, all must be decided.

    Raises:
        InputError: Not all are, and they must be.
    """
    package_json = read_package_json(Path(lock.file).absolute().parent) or {}
    found = decide(lock, read_policy(package_json, settings))
    if found.undecided and settings.get("strict-allow-scripts") == "true":
        labels = [f"  {label}" for label in found.undecided_labels]
        raise InputError(
            "\n".join(
                (f"strict-allow-scripts: {_not_decided(len(labels))}:", *labels),
            ),
            where=lock.file,
            hint="'npm approve-scripts' and 'npm deny-scripts' write allowScripts to package.json",
        )
    return found


def _not_decided(number: int) -> str:
    return f"{plural(number, 'package')} with install scripts that allowScripts does not name"


def read_policy(package_json: Mapping[str, object], settings: Mapping[str, str]) -> dict[str, bool]:
    """The project's policy: package.json's, or else ``allow-scripts`` of ``.npmrc``.

    Args:
        package_json: The project's own.
        settings: Those of its ``.npmrc`` files.
    """
    named = package_json.get("allowScripts")
    if isinstance(named, dict) and named:
        return {key: value for key, value in named.items() if isinstance(value, bool)}
    listed = settings.get("allow-scripts", "")
    return {key.strip(): True for key in listed.split(",") if key.strip()}


def decide(lock: Lock, policy: Mapping[str, bool]) -> Decisions:
    """Apply a policy to a lock; a denial wins, and what comes in another's tarball never runs."""
    ignored = {key: why for key in policy for why in [_refusal(key)] if why}
    rules = [(key, allowed) for key, allowed in policy.items() if key not in ignored]
    decided: dict[str, bool] = {}
    undecided: list[Package] = []
    for package in lock.packages:
        if package.in_bundle:
            continue
        found = {allowed for key, allowed in rules if _matches(package, key, denies=not allowed)}
        if found:
            decided[package.install_path] = False not in found
        elif (
            package.has_install_script
            and not isinstance(package.source, LocalDirectory)
            and (not package.optional or _fits_here(package))
        ):
            undecided.append(package)
    return Decisions(decided, tuple(undecided), ignored)


def _fits_here(package: Package) -> bool:
    """Whether npm would install an optional package on this machine, its C library aside."""
    cpu = platform.machine().lower()
    here = Platform(os=sys.platform, cpu=_CPUS.get(cpu, cpu))
    return here.fits({"os": list(package.os) or None, "cpu": list(package.cpu) or None})


def _refusal(key: str) -> str | None:
    """Why npm passes a key over; None where it does not."""
    named = _NAME.fullmatch(key)
    if named is None or _is_address(named["spec"] or ""):
        return None
    spec = (named["spec"] or "").strip()
    if spec in ("", "*") or _versions(spec):
        return None
    if re.match(r"[\^~<>=]|.*\s-\s|.*[xX*](\.|$)|\d+(\.\d+)?$", spec):
        return 'it is a range; exact versions joined by "||" are allowed, or the bare name'
    return 'it is a tag; exact versions joined by "||" are allowed, or the bare name'


def _matches(package: Package, key: str, *, denies: bool) -> bool:
    source = package.source
    named = _NAME.fullmatch(key)
    if named is not None and not _is_address(named["spec"] or ""):
        return isinstance(source, RegistryTarball) and _matches_registry(
            source, named["name"], (named["spec"] or "").strip(), denies=denies
        )
    address = named["spec"] if named is not None else key
    match source:
        case GitRevision(url):
            return _matches_git(url, address)
        case UrlTarball(url):
            return address == url
        case LocalTarball(path) | LocalDirectory(path):
            return address.startswith("file:") and _plain(address) == _plain(f"file:{path}")
        case _:
            return False


def _matches_registry(source: RegistryTarball, name: str, spec: str, *, denies: bool) -> bool:
    if source.name != name:
        return False
    if spec in ("", "*"):
        return True
    if source.path is None:
        # the lock does not say what is fetched, so that npm takes no version for granted
        return denies
    return source.version in _versions(spec)


def _matches_git(url: str, address: str) -> bool:
    place, _, commit = address.partition("#")
    wanted, found = _tree(place), git_tree(url)
    if not isinstance(wanted, GitTree) or not isinstance(found, GitTree):
        return False
    return wanted.url == found.url and found.rev.startswith(commit.partition("::")[0])


def _tree(place: str) -> GitTree | str:
    short = re.fullmatch(r"[^/@:\s]+/[^/@:\s]+", place)
    return git_tree(f"{f'github:{place}' if short else place}#{_COMMIT}")


def _versions(spec: str) -> tuple[str, ...]:
    """The versions that are joined by ``||``; none where anything else is among them."""
    found = tuple(part.strip() for part in spec.split("||"))
    return found if all(map(_VERSION.fullmatch, found)) else ()


def _is_address(spec: str) -> bool:
    return bool(re.match(r"(git\+|git:|github:|gitlab:|bitbucket:|gist:|https?:|file:|npm:)", spec))


def _plain(address: str) -> str:
    return re.sub(r"^file:(\./)?", "", address).rstrip("/")
