"""The Nix library's steps.

python3 -m npm2nixlite.project tree PLAN.json DIRECTORY
    make a tree in a directory, which may be a project
python3 -m npm2nixlite.project link TREE DIRECTORY
    link a tree that is made already into a project
python3 -m npm2nixlite.project addon PLAN.json DIRECTORY INSTALL-PATH OUT
    run a package's install scripts in an assembled tree, and keep what they make
python3 -m npm2nixlite.project run DIRECTORY [INSTALL-PATH...]
    run the install scripts of packages where they are
python3 -m npm2nixlite.project scripts SCRIPT [WORKSPACE...]
    where to run a script: a line for each directory
python3 -m npm2nixlite.project install PLAN.json OUT TREE NODE [WORKSPACE...]
    install the project in the current directory; TREE may be empty
python3 -m npm2nixlite.project check OUT
    see that no link leads to nothing
"""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.project.tree import make_tree, read_plan

if TYPE_CHECKING:
    from npm2nixlite.project.tree import Plan


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
        case ["link", tree, directory]:
            from npm2nixlite.project.install import link_tree

            link_tree(Path(tree), Path(directory))
        case ["addon", plan, directory, location, out]:
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
        case ["check", out]:
            from npm2nixlite.project.links import check_links

            check_links(Path(out))
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _make(plan: Plan, directory: Path) -> None:
    """Take away what is there of it, as ``npm ci`` does, and make it."""
    for location, entry in {"": {}, **plan.manifest.packages}.items():
        place = directory / location
        if location.startswith("../") or "node_modules" in location.split("/"):
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place if entry.get("directory") else place / "node_modules", True)
    make_tree(plan, directory)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
