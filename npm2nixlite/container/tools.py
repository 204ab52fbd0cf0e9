"""The programs that a container's PATH has, and what of the host it must see to run them.

On NixOS that is the closure of each program's store path. Elsewhere programs come from the
distribution, where a program is not to be had without the directories it shares with all others:
those of ``/usr`` are visible then, read-only, but only the named programs are on PATH.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["DEFAULT_TOOLS", "NATIVE_TOOLS", "Tools", "find_tools"]

DEFAULT_TOOLS = ("node", "npm", "npx")

NATIVE_TOOLS = (
    *("python3", "make", "gcc", "g++", "cc", "c++", "ar", "as", "ld"),
    *("basename", "cat", "chmod", "cp", "dirname", "ln", "mkdir", "mv", "printf", "pwd", "rm"),
    *("sed", "touch", "tr", "uname"),
)
"""For node-gyp: Python writes Makefiles, and these run compilers, and compilers assemblers."""

_ALWAYS = ("sh", "env")  # npm runs every script with the one, every bin with the other
_STORE = Path("/nix/store")
_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include", "share")
_ALTERNATIVES = Path("/etc/alternatives")  # Debian's cc is a link into it


@dataclass(frozen=True)
class Tools:
    """Programs for a container.

    Attributes:
        programs: Name on PATH → the program itself, no symlink.
        mounts: What must be visible, read-only, where it is on the host.
        links: Symlinks of the host's top level that must be there, too: ``/bin`` → ``usr/bin``.
    """

    programs: Mapping[str, Path]
    mounts: Sequence[Path]
    links: Mapping[str, str]

    def identities(self) -> list[tuple[str, str]]:
        """What tells these programs from others: their store paths, or hashes of their content."""
        return [(name, _identity(path)) for name, path in sorted(self.programs.items())]


def find_tools(wanted: Iterable[str], visible: Sequence[Path] = ()) -> Tools:
    """Find programs.

    Args:
        wanted: Names to look for on this process's PATH, paths of programs, or directories of
            which (or of whose ``bin``) every program is meant.
        visible: Further directories of the host that they need, read-only.

    Raises:
        UsageError: One is not there, or is where the container is not to look.
        BuildError: Nix cannot tell a store path's closure.
    """
    programs: dict[str, Path] = {}
    for item in (*_ALWAYS, *wanted):
        programs.update(_programs(item))
    if shutil.which("getent"):
        # systemd-nspawn asks the container's own getent who the user is.
        programs.setdefault("getent", Path(_which("getent")).resolve())
    mounts = {directory.resolve() for directory in visible}
    in_store = {path for path in programs.values() if path.is_relative_to(_STORE)}
    if in_store:
        mounts.update(_closure(in_store))
    links: dict[str, str] = {}
    for name, path in programs.items():
        if path in in_store or any(path.is_relative_to(mount) for mount in mounts):
            continue
        if not _is_of_the_system(path):
            raise UsageError(
                f"{name} is not among the system's programs",
                where=str(path),
                hint="name the directory it is installed in with --visible, or another program",
            )
        mounts.update(_system_directories(local=path.is_relative_to("/usr/local")))
        tops = [Path("/", top) for top in _TOP]
        links = {top.name: str(top.readlink()) for top in tops if top.is_symlink()}
    return Tools(programs, tuple(sorted(mounts)), links)


def _programs(item: str) -> dict[str, Path]:
    path = Path(item)
    if "/" not in item:
        return {item: Path(_which(item)).resolve()}
    if path.is_dir():
        directory = path / "bin" if (path / "bin").is_dir() else path
        return {
            entry.name: entry.resolve()
            for entry in sorted(directory.iterdir())
            if entry.is_file() and os.access(entry, os.X_OK)
        }
    if not path.is_file() or not os.access(path, os.X_OK):
        raise UsageError("no program", where=item, hint="give a name, a program, or a directory")
    return {path.name: path.resolve()}


def _which(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"there is no {name} on PATH", hint="install it, or give its path with --tool"
        )
    return found


def _is_of_the_system(path: Path) -> bool:
    return path.is_relative_to("/usr") or path.parts[1] in _TOP


def _system_directories(*, local: bool) -> set[Path]:
    directories = [Path("/usr", name) for name in _USR]
    directories += [Path("/", name) for name in _TOP if not Path("/", name).is_symlink()]
    if local:
        directories.append(Path("/usr/local"))
    directories.append(_ALTERNATIVES)
    return {path for path in directories if path.is_dir() and not path.is_symlink()}


def _closure(programs: Iterable[Path]) -> list[Path]:
    roots = sorted({str(_STORE / path.relative_to(_STORE).parts[0]) for path in programs})
    command = ["nix-store", "--query", "--requisites", *roots]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError("there is no nix-store to ask for closures", hint="put it on PATH") from (
            error
        )
    if done.returncode:
        raise BuildError(
            f"nix-store failed: {done.stderr.strip()}", where=" ".join(roots), hint="see above"
        )
    return [Path(line) for line in done.stdout.split()]


def _identity(path: Path) -> str:
    if path.is_relative_to(_STORE):
        return str(path)
    digest = hashlib.sha256()
    for file in (path, _manifest(path)):
        if file is not None:
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return json.dumps([str(path), digest.hexdigest()])


def _manifest(path: Path) -> Path | None:
    """The package.json a program comes with: npm's own two lines are the same in every version."""
    if "node_modules" not in path.parts:
        return None
    found = (parent / "package.json" for parent in path.parents)
    return next((file for file in found if file.is_file()), None)
