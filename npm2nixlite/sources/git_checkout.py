"""Check out a git revision as nixpkgs' ``fetchgit`` does: its files, without any ``.git``."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.files import remove_tree, walk
from npm2nixlite.lock.git import COMMIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["check_out"]

# A user's own configuration may be needed to reach a repository (credentials, keys, proxies), but
# must not change its files: Nix has none.
_SETTINGS = {
    "advice.detachedHead": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.symlinks": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "submodule.recurse": "false",
}
# A hook's git sets these for its own repository.
_OTHERS = frozenset(
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"]
)
# No option, and none of git's helpers (``ext::sh -c …``), can stand in an address's place.
_ADDRESS = re.compile(r"(?!-)(?:(?:git|https?|ssh|file)://|[\w.+-]+@(?!-)[\w.-]+:)\S+")


def check_out(url: str, rev: str, directory: Path, *, submodules: bool, timeout: float) -> bool:
    """Fetch a commit, with as little else as the server lets one have.

    Args:
        url: The repository's address.
        rev: The commit.
        directory: Where its files go; must not exist.
        submodules: Whether to fetch its submodules, too, and theirs.
        timeout: Seconds of next to no bytes that count as a failure.

    Returns:
        Whether it has submodules and they were fetched.

    Raises:
        FetchError: git fails, or there is none; the message has git's own words.
    """
    if not COMMIT.fullmatch(rev):
        raise FetchError(f"{rev!r} is no commit")
    if not _ADDRESS.fullmatch(url):
        raise FetchError(f"{url!r} is no address that git fetches from")
    git = _Git(directory, timeout)
    git.run("init", "--quiet", "--end-of-options", str(directory), inside=False)
    git.run("remote", "add", "--end-of-options", "origin", url)
    try:
        git.run("fetch", "--quiet", "--depth", "1", "--end-of-options", "origin", rev)
    except FetchError:
        # Not every server hands out a commit by its name, nor a shallow history.
        git.run(
            "fetch",
            "--quiet",
            "--tags",
            "--end-of-options",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
        )
    git.run("checkout", "--quiet", "--force", "--detach", rev, "--", plain=True)
    with_submodules = submodules and (directory / ".gitmodules").is_file()
    if with_submodules:
        git.run("submodule", "--quiet", "update", "--init", "--recursive", "--checkout")
    for entry in walk(directory):
        if entry.name == ".git":
            remove_tree(entry.path)
    return with_submodules


class _Git:
    def __init__(self, directory: Path, timeout: float) -> None:
        self._directory = directory
        self._settings = {
            **_SETTINGS,
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": str(max(1, round(timeout))),
        }

    def run(self, *arguments: str, inside: bool = True, plain: bool = False) -> None:
        """Run git in the directory; ``plain``: without the user's configuration."""
        settings = [
            part for key, value in self._settings.items() for part in ("-c", f"{key}={value}")
        ]
        try:
            done = subprocess.run(
                ["git", *settings, *arguments],
                cwd=self._directory if inside else None,
                env=_environment(plain=plain),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except FileNotFoundError as error:
            raise FetchError(
                "there is no git to be found", hint="install git: a lock has git dependencies"
            ) from error
        if done.returncode:
            raise FetchError(
                f"git {arguments[0]} failed: {_reason(done.stderr)}",
                hint="try 'git ls-remote' there by hand; git's own configuration is heeded",
            )


def _environment(*, plain: bool) -> Mapping[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    environment |= {
        "GIT_LFS_SKIP_SMUDGE": "1",  # fetchgit leaves the pointers, too
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    if plain:
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return environment


def _reason(stderr: str) -> str:
    """Git's last complaint, without what may be a password in an address."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return re.sub(r"(?<=//)[^/@\s]*@", "", (telling or lines or ["no reason given"])[0])
