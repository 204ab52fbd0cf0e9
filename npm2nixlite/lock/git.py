"""Git addresses, in every spelling that npm writes into a lock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from npm2nixlite.errors import InputError
from npm2nixlite.lock.path import check_relative_path

__all__ = ["COMMIT", "GitTree", "git_tree"]

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""A whole commit's name, of sha1 or of sha256."""

_SHORT = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_GIST = "gist.github.com"
_FORGES = frozenset([*_SHORT.values(), _GIST])
_SCP = re.compile(r"(?:git\+)?ssh://(?P<user>[^/@:]+)@(?P<host>[^/:]+):(?!\d+(?:/|$))(?P<path>.+)")
# What begins with a dash would be an option, to git or to ssh.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"'`\\<>{}^|]|^-|(?<=//)-|(?<=@)-")


@dataclass(frozen=True, order=True, slots=True)
class GitTree:
    """A directory of a repository at a commit.

    Attributes:
        url: The repository's address, as ``git fetch`` takes it; https on public forges.
        rev: The commit, 40 or 64 digits in base 16.
        directory: Below the repository's root, with slashes; empty for the root.
        ssh: Another address, for where https is refused; None where there is none.
    """

    url: str
    rev: str
    directory: str = ""
    ssh: str | None = None

    @property
    def on_forge(self) -> bool:
        """Whether it is on a forge that npm knows.

        From these npm takes the archive that the forge makes of a commit: without submodules, and
        without what ``.gitattributes`` keeps from archives.
        """
        return self.ssh is not None

    @property
    def name(self) -> str:
        """The repository's own name, without ``.git``."""
        path = self.url.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        return path.removesuffix(".git")

    def __str__(self) -> str:
        return f"{self.url}#{self.rev}" + (f"::path:{self.directory}" if self.directory else "")


def git_tree(address: str) -> GitTree | str:
    """What a lock's git address means.

    Args:
        address: ``git+ssh://…``, ``git+https://…``, ``git://…``, ``github:user/repository``, and
            so on, with ``#COMMIT`` or ``#COMMIT::path:DIRECTORY``; without credentials.

    Returns:
        The tree; or why there is none, in a few words.
    """
    place, _, fragment = address.partition("#")
    rev, *attributes = unquote(fragment).split("::")
    if not COMMIT.fullmatch(rev):
        return f"the lock gives no commit for it, only {fragment or 'the default branch'!r}"
    directory = ""
    for attribute in attributes:
        key, _, value = attribute.partition(":")
        if key == "path":
            directory = value.strip("/")
    try:
        check_relative_path(directory or "below")
    except InputError:
        return f"its directory {directory!r} is not normal"
    if _UNSAFE.search(place):
        return f"its address {place!r} is malformed"
    return _on_forge(place, rev, directory) or _elsewhere(place, rev, directory)


def _on_forge(place: str, rev: str, directory: str) -> GitTree | None:
    scheme, _, rest = place.partition(":")
    scp = _SCP.fullmatch(place)
    if scheme in _SHORT or scheme == "gist":
        host, path = _SHORT.get(scheme, _GIST), rest
    elif scp:
        host, path = scp["host"], scp["path"]
    else:
        try:
            parts = urlsplit(place)
        except ValueError:
            return None  # brackets that hold no address
        host, path = parts.hostname or "", parts.path
    host = host.lower().removeprefix("www.")
    path = path.strip("/").removesuffix(".git")
    if host == _GIST:
        path = path.rpartition("/")[2]  # a gist is found by its number alone
    if host not in _FORGES or not path or (host != _GIST and "/" not in path):
        return None
    ssh = f"ssh://git@{host}/{path}.git"
    return GitTree(f"https://{host}/{path}.git", rev, directory, ssh)


def _elsewhere(place: str, rev: str, directory: str) -> GitTree | str:
    scp = _SCP.fullmatch(place)
    if scp:
        return GitTree(f"{scp['user']}@{scp['host']}:{scp['path']}", rev, directory)
    url = place.removeprefix("git+")
    scheme, separator, rest = url.partition("://")
    if not separator or not rest:
        return f"its address {place!r} is malformed"
    if scheme == "file":
        return f"its repository is on the machine that wrote the lock: {url}"
    if scheme not in {"git", "http", "https", "ssh"}:
        return f"git does not fetch by {scheme}"
    return GitTree(url, rev, directory)
