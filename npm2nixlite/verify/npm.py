"""Running the installed npm on a project's copy, so that it can be compared with.

npm is handed the tarballs that were fetched and verified already, in a cache of its own: it drops
optional packages without a word where a download fails, and a comparison must not depend on that.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.hidden_lock import formatting
from npm2nixlite.assemble.local import copy_directory
from npm2nixlite.assemble.node_modules import HIDDEN_LOCK
from npm2nixlite.errors import BuildError
from npm2nixlite.files import parse_json
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import LocalDirectory, LocalTarball, Lock
from npm2nixlite.lock.path import outermost_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from npm2nixlite.integrity import Integrity

__all__ = [
    "NpmVersions",
    "copy_outside",
    "copy_project",
    "fill_addresses",
    "forget_registry_fields",
    "installed_versions",
    "npm_ci",
    "seed_cache",
]

_FAILED_OPTIONAL = re.compile(r"reify failed optional dependency (?P<path>.*)")
_NOT_FETCHED = re.compile(r"npm http fetch GET (?:[45]\d\d |\S+ attempt \d+ failed)")


@dataclass(frozen=True, slots=True)
class NpmVersions:
    """The versions that the comparison is with."""

    npm: str
    node: str


def installed_versions() -> NpmVersions:
    """The installed npm's and Node.js's versions.

    Raises:
        BuildError: There is none.
    """
    try:
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        npm = subprocess.run(["npm", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(
            f"npm cannot be run: {error}", hint="verify compares with the installed npm"
        ) from error
    return NpmVersions(npm.stdout.strip(), node.stdout.strip().removeprefix("v"))


def copy_project(project: Path, lock: Lock, into: Path) -> Path:
    """Copy what npm reads of a project, as deep below ``into`` as its local dependencies climb.

    Returns:
        The copy's directory.
    """
    climbs = [outermost_parent(package.install_path) for package in lock.packages]
    target = into.joinpath(*["beside"] * max(climbs, default=0), "project")
    target.mkdir(parents=True)
    for name in ("package.json", ".npmrc"):
        if (project / name).is_file():
            shutil.copyfile(project / name, target / name)
    shutil.copyfile(find_lock(project), target / find_lock(project).name)
    for package in lock.packages:
        if isinstance(package.source, LocalDirectory | LocalTarball):
            source, copy = project / package.source.path, target / package.source.path
            if source.is_dir():
                copy_directory(source, copy)
            elif source.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
    return target


def copy_outside(project: Path, lock: Lock, theirs: Path, ours: Path) -> Path:
    """Give our tree the same local directories beside it as npm's has.

    Args:
        project: The copy that `copy_project` made.
        lock: The project's lock.
        theirs: What it was made below.
        ours: What our tree goes below.

    Returns:
        Where our tree goes; the directory exists.
    """
    target = ours / project.relative_to(theirs)
    target.mkdir(parents=True)
    for package in lock.packages:
        path = package.install_path
        outside = isinstance(package.source, LocalDirectory) and outermost_parent(path)
        if outside and (project / path).is_dir():
            copy_directory(project / path, target / path)
    return target


def forget_registry_fields(project: Path) -> None:
    """Take out of npm's notes what a lock of version 1 does not hold and no tarball can tell.

    npm asks the registry then, whose answer about these fields changes with time and registry.
    """

    def forget(_path: str, entry: dict[str, object]) -> None:
        entry.pop("deprecated", None)
        entry.pop("license", None)

    _edit(project / HIDDEN_LOCK, forget)


def seed_cache(cache: Path, tarballs: Iterable[tuple[Path, frozenset[Integrity]]]) -> None:
    """Lay tarballs into an npm cache, where npm looks them up by their hash."""
    for file, integrities in tarballs:
        for integrity in integrities:
            name = integrity.hex
            place = cache / "_cacache/content-v2" / integrity.algorithm / name[:2] / name[2:4]
            place.mkdir(parents=True, exist_ok=True)
            target = place / name[4:]
            if not target.exists():
                shutil.copyfile(file, target)


def fill_addresses(lock_file: Path, addresses: Mapping[str, str]) -> frozenset[str]:
    """Write addresses into a lock, where it omits them; npm asks the registry for versions else.

    Args:
        lock_file: Of version 2 or 3; one of version 1 stays as it is.
        addresses: Install path → address.

    Returns:
        The install paths that got one.
    """
    lock = parse_json(lock_file.read_bytes())
    filled = set()
    for path, entry in lock.get("packages", {}).items():
        if path in addresses and "resolved" not in entry:
            entry["resolved"] = addresses[path]
            filled.add(path)
    indent, newline = formatting(lock_file)
    text = json.dumps(lock, indent=indent, ensure_ascii=False)
    lock_file.write_text(f"{text}\n".replace("\n", newline), "utf-8", newline="")
    return frozenset(filled)


def npm_ci(
    project: Path, cache: Path, addresses: Mapping[str, str], omit: Iterable[str], registry: str
) -> None:
    """Run ``npm ci --ignore-scripts`` in a project's copy.

    Args:
        project: The copy; its lock is rewritten.
        cache: npm's cache, see `seed_cache`; what it lacks is fetched.
        addresses: Install path → address, for the entries whose lock omits it: without one, npm
            would ask the registry which versions there are.
        omit: Groups to leave out.
        registry: The registry base.

    Raises:
        BuildError: npm fails, or leaves out an optional package that it could not fetch.
    """
    filled = fill_addresses(find_lock(project), addresses)
    arguments = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    arguments += [f"--cache={cache}", "--no-omit-lockfile-registry-resolved"]
    arguments += ["--loglevel=verbose", f"--registry={registry}"]
    # npm 12 refuses these by default; what is compared is what it makes of them.
    arguments += ["--allow-git=all", "--allow-remote=all"]
    arguments += [f"--omit={group}" for group in omit]
    environment = {key: value for key, value in os.environ.items() if key != "NODE_ENV"}
    run = subprocess.run(
        ["npm", "ci", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    if run.returncode:
        reasons = [line for line in run.stderr.splitlines() if line.startswith("npm error")]
        raise BuildError(
            "npm ci fails: " + "\n  ".join(reasons[:12] or [run.stderr[-800:]]),
            hint="what npm itself cannot install, nothing can be compared with",
        )
    failed = [match["path"] for match in _FAILED_OPTIONAL.finditer(run.stderr)]
    # npm 10 says the same of what is for another platform, which it does not fetch.
    if failed and _NOT_FETCHED.search(run.stderr):
        raise BuildError(
            f"npm could not fetch {failed[0]}, and left out {len(failed)} optional packages for it",
            hint="try again, or with another --registry",
        )
    if filled:
        _edit(
            project / HIDDEN_LOCK,
            lambda path, entry: entry.pop("resolved", None) if path in filled else None,
        )


def _edit(hidden: Path, change: Callable[[str, dict[str, object]], object]) -> None:
    """Change the entries of npm's notes, and nothing else about them."""
    if not hidden.is_file():
        return
    indent, newline = formatting(hidden)
    notes = parse_json(hidden.read_bytes())
    for path, entry in notes["packages"].items():
        change(path, entry)
    text = json.dumps(notes, indent=indent, ensure_ascii=False)
    hidden.write_text(f"{text}\n".replace("\n", newline), "utf-8", newline="")
