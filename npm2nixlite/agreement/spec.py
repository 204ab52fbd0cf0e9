"""What a dependency's text asks for: a version, a range, a tag, an address, a path.

It mirrors ``npm-package-arg``. Paths come out relative to the lock's directory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from posixpath import join, normpath
from urllib.parse import unquote, urlsplit

from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.versions import is_range, is_version

__all__ = ["Spec", "parse_spec", "repository"]

_FILE = re.compile(r"file:|[.]|~/|/|[A-Za-z]:", re.IGNORECASE)
_URL = re.compile(r"(?:git\+)?[a-z]+:", re.IGNORECASE)
_TARBALL = re.compile(r"\.(?:tgz|tar\.gz|tar)$", re.IGNORECASE)
_ALIAS = re.compile(r"npm:(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<wanted>.*))?", re.DOTALL)
_SHORTHAND = re.compile(r"(?!\.)[^@/:#\s]+/[^/:@#\s]+(?:#.*)?", re.DOTALL)
_FORGE = re.compile(r"(?:github|gitlab|bitbucket|gist):[^/]", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40,64}", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z0-9_.!~*'()-]+")
_NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True)
class Spec:
    """A dependency's text, read.

    Attributes:
        kind: ``version``, ``range``, ``tag``, ``git``, ``remote`` (a tarball's address), ``file``
            (a tarball's path), ``directory``, or ``invalid``, which nothing answers.
        text: The version, range, tag, address or path; of git, the repository's address.
        name: The package's own name, where the text is an alias.
        committish: Of git: the branch, tag or commit; empty for none.
        range: Of git: the range of versions that is asked for (``#semver:``).
    """

    kind: str
    text: str
    name: str | None = None
    committish: str = ""
    range: str | None = None

    @property
    def commit(self) -> str | None:
        """The commit, where the text gives a whole one."""
        return self.committish if _COMMIT.fullmatch(self.committish) else None


@cache
def parse_spec(wanted: str, directory: str = "") -> Spec:
    """Read what is asked for.

    Args:
        wanted: As a ``dependencies`` field gives it.
        directory: What paths are relative to, itself relative to the lock's directory.
    """
    if _FILE.match(wanted) or wanted.lower().startswith("link:"):
        return _path(wanted, directory)
    if wanted.lower().startswith("npm:"):
        return _alias(wanted)
    git = _git(wanted)
    if git is not None:
        return git
    if _URL.match(wanted):
        if wanted.lower().startswith(("http:", "https:")):
            return Spec("remote", wanted.partition("#")[0])
        return Spec("invalid", wanted)
    if "/" in wanted or _TARBALL.search(wanted):
        return _path(wanted, directory)
    text = wanted.strip() or "*"
    if is_version(text):
        return Spec("version", text)
    if is_range(text):
        return Spec("range", text)
    return Spec("tag" if _TAG.fullmatch(text) else "invalid", text)


def repository(address: str) -> str | None:
    """One spelling of a git repository's address; None where it is no such address."""
    place = address.partition("#")[0]
    if _SHORTHAND.fullmatch(place) and not _URL.match(place):
        place = f"github:{place}"
    tree = git_tree(f"{place}#{_NO_COMMIT}")
    return tree.url if isinstance(tree, GitTree) else None


def _alias(wanted: str) -> Spec:
    match = _ALIAS.fullmatch(wanted)
    if match is None:
        return Spec("invalid", wanted)
    inner = parse_spec(match["wanted"] or "*")
    if inner.kind not in {"version", "range", "tag"}:
        return Spec("invalid", wanted)
    return Spec(inner.kind, inner.text, name=match["name"])


def _path(wanted: str, directory: str) -> Spec:
    path = re.sub(r"^(?:file|link):(?://(?=[^/]))?", "", wanted, flags=re.IGNORECASE)
    path = re.sub(r"^/{1,3}(?=\.\.?(?:/|$))", "", path)
    kind = "file" if _TARBALL.search(wanted) else "directory"
    return Spec(kind, normpath(join(directory, unquote(path))))


def _git(wanted: str) -> Spec | None:
    lower = wanted.lower()
    shorthand = _SHORTHAND.fullmatch(wanted) and not _URL.match(wanted)
    if not shorthand and not _is_git_address(wanted, lower):
        return None
    place, _, fragment = wanted.partition("#")
    found = repository(place)
    if found is None:
        return Spec("invalid", wanted)
    committish, versions = "", None
    for part in unquote(fragment).split("::") if fragment else ():
        key, colon, value = part.partition(":")
        if not colon:
            committish = part
        elif key == "semver":
            versions = value
    return Spec("git", found, committish=committish, range=versions)


def _is_git_address(wanted: str, lower: str) -> bool:
    if lower.startswith(("git+", "git:", "ssh:")) or _FORGE.match(wanted):
        return True
    if re.match(r"git@[^/:]+:[^/]+/", wanted):
        return True
    if not lower.startswith(("http://", "https://")):
        return False
    tree = git_tree(f"{wanted.partition('#')[0]}#{_NO_COMMIT}")
    if not (isinstance(tree, GitTree) and tree.on_forge):
        return False
    # more of a path than user and repository leads to something that the forge offers
    parts = urlsplit(wanted).path.strip("/").split("/")
    return "gitlab" in lower or len(parts) <= 2 or parts[2] == "tree"
