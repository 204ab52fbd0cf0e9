"""Git dependencies that npm builds before it packs them.

npm clones the repository, installs what its own lock says beside it, runs its scripts, and packs
what is there then. In the sandbox these are two steps, with room between them for what Nix does to
programs that shall run there:

    python3 -m npm2nixlite.assemble.prepare install MANIFEST.json TREE DIRECTORY WORK
    python3 -m npm2nixlite.assemble.prepare pack MANIFEST.json DIRECTORY WORK TARBALL
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.lifecycle import ScriptedPackage, lifecycle
from npm2nixlite.assemble.manifest import read_manifest
from npm2nixlite.assemble.node_modules import assemble
from npm2nixlite.assemble.package_json import read_package_json
from npm2nixlite.assemble.scripts import INSTALL_EVENTS, run_scripts
from npm2nixlite.assemble.trees import pack_trees
from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.files import scratch_directory
from npm2nixlite.lock.find import find_lock
from npm2nixlite.pack.tarball import pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from npm2nixlite.assemble.manifest import Manifest

__all__ = ["build", "install"]

_BUILD_EVENTS = ("prepublish", "preprepare", "prepare", "postprepare", "prepare")
"""Install runs the first four; then the fetcher that packs runs ``prepare`` once more."""


def install(manifest: Manifest, tree: Path, directory: str, work: Path) -> None:
    """Make a working copy of a repository, with its dependencies installed.

    Args:
        manifest: Its own lock's packages; the lock itself is found in the repository.
        tree: The repository's files.
        directory: Below it, the package's; empty for the root.
        work: Made; the copy.

    Raises:
        BuildError: A tarball is missing, damaged or unsafe.
        InputError: There is no lock, or it cannot be read.
    """
    project = tree / directory
    package_json = project / "package.json"
    with scratch_directory("npm2nixlite-") as scratch:
        whole = replace(manifest, lock=find_lock(project), package_json=package_json)
        assemble(pack_trees(whole, scratch), work / directory)
    _lay_over(tree, work)


def build(project: Path, scripts: Collection[str]) -> None:
    """Run what npm runs in a git dependency before it packs it.

    Args:
        project: Its directory, as `install` left it.
        scripts: Install paths of the packages whose install scripts may run; the empty one is the
            package itself.

    Raises:
        BuildError: There is no Node.js, or a script fails.
        InputError: There is no package.json.
    """
    run_scripts(project, [location for location in scripts if location])
    manifest = read_package_json(project)
    if manifest is None:
        raise InputError("there is no package.json", where=str(project))
    package = ScriptedPackage("prepare", project, manifest)
    with lifecycle(project, "install") as run:
        for event in (*INSTALL_EVENTS, *_BUILD_EVENTS) if "" in scripts else _BUILD_EVENTS:
            run(package, event)


def _lay_over(source: Path, target: Path) -> None:
    """Copy what is not there yet, with the modes of a fresh checkout."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        to = target / path.name
        if path.is_dir() and not path.is_symlink():
            _lay_over(path, to)
        elif not (to.exists() or to.is_symlink()):
            shutil.copyfile(path, to, follow_symlinks=False)
            if not path.is_symlink():
                to.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def main(arguments: list[str]) -> int:
    """Install or pack; the exit status is 0, or that of the error."""
    try:
        match arguments:
            case ["install", manifest, tree, directory, work]:
                install(read_manifest(Path(manifest)), Path(tree), directory, Path(work))
            case ["pack", manifest, directory, work, tarball]:
                project = Path(work) / directory
                build(project, read_manifest(Path(manifest)).scripts)
                pack(project, Path(tarball), compressed=False)
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except Npm2nixliteError as error:
        sys.stderr.write(f"npm2nixlite: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
