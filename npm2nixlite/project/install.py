"""A built project put into its output: its files, its workspaces, its tree, and its commands.

The layout is the project's own, so that everything finds what it found when it was built::

    lib/node_modules/NAME/                  the project: its files, where it is installed itself
    lib/node_modules/NAME/node_modules      the production tree
    lib/node_modules/NAME/packages/a        a workspace that is installed, or that one needs
    lib/node_modules/A -> NAME/packages/a   an installed workspace under its own name
    bin/                                    the commands of what is installed
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.bins import mend
from npm2nixlite.assemble.load import read_lock_json
from npm2nixlite.assemble.manifest import FromDirectory
from npm2nixlite.assemble.node_modules import select
from npm2nixlite.assemble.package_json import normalize_bin
from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.files import remove_tree
from npm2nixlite.pack.directory import IGNORE_FILES, bins_of, package_directory
from npm2nixlite.project.links import check_links
from npm2nixlite.project.tree import make_tree
from npm2nixlite.project.workspaces import Workspace, chosen, read_project, workspaces_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from npm2nixlite.assemble.manifest import Manifest
    from npm2nixlite.project.tree import TreePlan

__all__ = ["install_project", "link_tree", "node_modules_of", "own_files"]

_RUNS = (b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How a file begins that the system can run: a script, or a program for Linux or Darwin."""

_MANUAL = re.compile(r".*\.(?P<section>[0-9])(\.gz)?")


@dataclass(frozen=True, slots=True)
class _Place:
    project: Path
    out: Path
    root: Path
    node: str


def install_project(
    project: Path,
    plan: TreePlan,
    names: Sequence[str],
    out: Path,
    *,
    node: str = "node",
    tree: Path | None = None,
) -> None:
    """Install a project, or some of its workspaces.

    Args:
        project: Its directory, built.
        plan: The production tree.
        names: The workspaces to install; none of them for the project itself.
        out: The output.
        node: The Node.js that commands without a first line of their own run with.
        tree: The production tree where it is made already, to be linked; it has no part of the
            project in it.

    Raises:
        BuildError: What package.json names was not built, or a link leads to nothing.
        InputError: package.json has no name, or there is no such workspace.
    """
    root = read_project(project)
    if not names and not root.package.get("name"):
        raise InputError(
            "the project has no name to be installed under",
            where="package.json",
            hint="write an installPhase, or name it",
        )
    wanted = chosen(workspaces_of(project), names) if names else [root]
    place = _Place(project, out, out / "lib/node_modules" / (root.name or "project"), node)
    place.root.mkdir(parents=True, exist_ok=True)
    local = set() if tree else _local_directories(plan.manifest)
    apart = local | {one.directory for one in wanted if one.directory}
    for directory in sorted(apart | {one.directory for one in wanted}):
        _copy_package(project / directory, place.root / directory, _below(apart, directory))
    if tree is None:
        _make_tree(plan, place.root, apart)
    else:
        link_tree(tree, place.root)
    for one in wanted:
        _name_workspace(place, one)
        _link_commands(place, one)
        _link_manuals(place, one)
    check_links(out)


def link_tree(tree: Path, project: Path) -> None:
    """Link every ``node_modules`` of an assembled tree into a project, in the place of its own."""
    for modules in node_modules_of(tree):
        target = project / modules
        if target.is_symlink() or not target.is_dir():
            target.unlink(missing_ok=True)
        else:
            remove_tree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(tree / modules)


def own_files(directory: Path) -> Iterator[tuple[str, bool]]:
    """Path and executable bit of the files that a built package consists of.

    They are those that npm packs. Without ``files`` in package.json, what ``.gitignore`` names is
    packed all the same: in a checkout that Nix builds in, it is what the build made.
    """
    package = read_project(directory).package
    ignored = IGNORE_FILES if (directory / ".npmignore").exists() else IGNORE_FILES[:1]
    bins = bins_of(package)
    for path, executable in package_directory(directory, package, ignore_files=ignored).packed():
        if "node_modules" not in path.split("/"):
            yield path, executable or path in bins


def _local_directories(manifest: Manifest) -> set[str]:
    """Directories of the project that links of its tree lead to."""
    lock = None if manifest.lock is None else read_lock_json(manifest.lock)
    targets = (node.link.location for node in select(manifest, lock).walk() if node.link)
    return {
        location
        for location in targets
        if not location.startswith("../") and manifest.directory(location) is None
    }


def _below(directories: Collection[str], directory: str) -> frozenset[str]:
    """Those of the directories that are inside another one, relative to it."""
    prefix = f"{directory}/" if directory else ""
    return frozenset(
        path.removeprefix(prefix)
        for path in directories
        if path.startswith(prefix) and path != directory
    )


def _copy_package(source: Path, target: Path, apart: Collection[str]) -> None:
    if not (source / "package.json").exists():
        return  # an unfilled local dependency: its link will be told of
    for path, executable in own_files(source):
        if any(path.startswith(f"{other}/") for other in apart):
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
        (target / path).chmod(0o755 if executable else 0o644)


def _make_tree(plan: TreePlan, root: Path, apart: Collection[str]) -> None:
    packages = {
        path: entry
        for path, entry in plan.manifest.packages.items()
        if path not in apart or not isinstance(entry.origin, FromDirectory)
    }
    make_tree(replace(plan, manifest=replace(plan.manifest, packages=packages)), root)
    modules = root / "node_modules"
    if modules.is_dir() and not any(modules.iterdir()):
        modules.rmdir()


def _name_workspace(place: _Place, one: Workspace) -> None:
    link = place.out / "lib/node_modules" / one.name
    if one.directory and not os.path.lexists(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(place.root / one.directory, link.parent))


def _link_commands(place: _Place, one: Workspace) -> None:
    home = place.root / one.directory
    for command, path in normalize_bin(one.package).items():
        file = home / path
        if not file.is_file():
            raise BuildError(
                f"its command {command!r} is {path}, and the build made no such file",
                where=f"{one.directory}/package.json".lstrip("/"),
                hint="see that the build makes it, and that `files` names it",
            )
        mend(str(file))
        (place.out / "bin").mkdir(exist_ok=True)
        _command(place.out / "bin" / command, file, place.node)


def _command(command: Path, file: Path, node: str) -> None:
    with file.open("rb") as content:
        runs = content.read(4).startswith(_RUNS)
    if runs:
        command.symlink_to(file)
        return
    # as nixpkgs has it; npm would make a command that does not run
    command.write_text(f'#!/bin/sh\nexec "{node}" "{file}" "$@"\n')
    command.chmod(0o755)


def _link_manuals(place: _Place, one: Workspace) -> None:
    named = one.package.get("man")
    for page in [named] if isinstance(named, str) else named if isinstance(named, list) else []:
        found = _MANUAL.fullmatch(page) if isinstance(page, str) else None
        file = place.root / one.directory / str(page)
        if found and file.is_file():
            folder = place.out / f"share/man/man{found['section']}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file.name).symlink_to(file)


def node_modules_of(tree: Path, below: Path = Path()) -> Iterator[Path]:
    """Every ``node_modules`` of a project that is in no other one, relative to the project."""
    for entry in sorted((tree / below).iterdir()):
        if entry.name == "node_modules":
            yield below / entry.name
        elif entry.is_dir() and not entry.is_symlink():
            yield from node_modules_of(tree, below / entry.name)
