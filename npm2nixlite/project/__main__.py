"""The Nix library's steps.

python3 -m npm2nixlite.project tree PLAN.json DIRECTORY
    make a tree in a directory, which may be a project
python3 -m npm2nixlite.project agree PLAN.json DIRECTORY
    see that a project's lock is the one that a tree is made from
python3 -m npm2nixlite.project link TREE DIRECTORY
    link a tree that is made already into a project
python3 -m npm2nixlite.project addon DIRECTORY INSTALL-PATH OUT
    run a package's install scripts in an assembled tree, and keep what they make
python3 -m npm2nixlite.project run DIRECTORY [INSTALL-PATH...]
    run the install scripts of packages where they are
python3 -m npm2nixlite.project scripts SCRIPT [WORKSPACE...]
    where to run a script: a line for each directory
python3 -m npm2nixlite.project install PLAN.json OUT TREE NODE [WORKSPACE...]
    install the project in the current directory; TREE may be empty
python3 -m npm2nixlite.project check OUT
    see that no link leads to nothing
python3 -m npm2nixlite.project shell (linked TREE | writable PLAN.json) LOCK-HASH ROOT
    put a tree into the project that a shell is entered in, and say where that is
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.files import remove_tree
from npm2nixlite.project.tree import make_tree, read_plan

if TYPE_CHECKING:
    from npm2nixlite.project.tree import TreePlan


def main(arguments: list[str]) -> int:
    """Do a step; the exit status is 0, or that of the error."""
    gc.disable()  # what is made stays until the end, which is near
    try:
        return _run(arguments)
    except Npm2nixliteError as error:
        sys.stderr.write(f"npm2nixlite: {error}\n")
        return error.exit_status


def _run(arguments: list[str]) -> int:
    # each imports what it needs: a tree is made most often, and imports are a part of its time
    match arguments:
        case ["tree", plan, directory]:
            _make(read_plan(Path(plan)), Path(directory))
        case ["agree", plan, directory]:
            from npm2nixlite.project.agree import check_lock

            check_lock(read_plan(Path(plan)).manifest, Path(directory))
        case ["link", tree, directory]:
            from npm2nixlite.project.install import link_tree

            link_tree(Path(tree), Path(directory))
        case ["shell", "linked" | "writable" as mode, source, lock_hash, root]:
            from npm2nixlite.project.shell import enter, find_project

            project = find_project(Path.cwd(), root, lock_hash)
            enter(project, Path(source), writable=mode == "writable")
            sys.stdout.write(f"{project}\n")
        case ["check", out]:
            from npm2nixlite.project.links import check_links

            check_links(Path(out))
        case _:
            return _build(arguments)
    return 0


def _build(arguments: list[str]) -> int:
    match arguments:
        case ["addon", directory, location, out]:
            from npm2nixlite.project.addon import build_addon

            if not (Path(directory) / location).is_dir():
                raise InputError(
                    "its install scripts cannot run: it is not installed",
                    where=location,
                    hint="take it from allowScripts, or give its files (localDependencies)",
                )
            build_addon(Path(directory).absolute(), location, Path(out))
        case ["run", directory, *locations]:
            from npm2nixlite.assemble.scripts import run_scripts

            run_scripts(Path(directory).absolute(), locations)
        case ["scripts", script, *workspaces]:
            from npm2nixlite.project.build import to_build

            sys.stdout.writelines(f"{one}\n" for one in to_build(Path.cwd(), script, workspaces))
        case ["install", plan, out, tree, node, *workspaces]:
            from npm2nixlite.project.install import install_project

            install_project(
                Path.cwd(),
                read_plan(Path(plan)),
                workspaces,
                Path(out),
                node=node,
                tree=Path(tree) if tree else None,
            )
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _make(plan: TreePlan, directory: Path) -> None:
    """Take away what is there of it, as ``npm ci`` does, and make it."""
    for location in ("", *plan.manifest.packages):
        place = directory / location
        if location.startswith("../") or "node_modules" in location.split("/"):
            continue
        if place.is_dir() and not place.is_symlink():
            filled = plan.manifest.directory(location) is not None
            ours = place if filled else place / "node_modules"
            if ours.is_dir():
                remove_tree(ours)
    make_tree(plan, directory)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
