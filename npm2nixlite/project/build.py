"""Which scripts a build runs, and what is wrong where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.project.workspaces import build_order, chosen, read_project, workspaces_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from npm2nixlite.project.workspaces import Workspace

__all__ = ["to_build"]


def to_build(project: Path, script: str, names: Sequence[str]) -> list[str]:
    """Where to run a script: directories relative to the project, in order.

    Args:
        project: The project's directory.
        script: The script's name.
        names: The workspaces to build, see `npm2nixlite.project.workspaces.chosen`. Those that
            they depend on are built before them, as far as they have the script. None of them
            means the project itself, ``.``.

    Raises:
        InputError: There is no such script, or no such workspace.
    """
    workspaces = workspaces_of(project)
    root = read_project(project)
    if not names:
        if script not in root.scripts:
            raise _missing(root, script, workspaces)
        return ["."]
    wanted = chosen(workspaces, names)
    for one in wanted:
        if script not in one.scripts:
            raise _missing(one, script, [])
    return [one.directory for one in build_order(workspaces, wanted) if script in one.scripts]


def _missing(package: Workspace, script: str, workspaces: Sequence[Workspace]) -> InputError:
    able = [one.directory for one in workspaces if script in one.scripts]
    ways = ["if there is nothing to build, dontNpmBuild = true"]
    if package.scripts:
        ways.insert(0, f"npmBuildScript names another (there is {', '.join(package.scripts)})")
    if able:
        shown = ", ".join(able[:8]) + (", …" if able[8:] else "")
        ways.insert(
            0,
            f'to build one of its workspaces, npmWorkspace = "{able[0]}"; several, a list of them '
            f"(with this script: {shown})",
        )
    return InputError(
        f"there is no script {script!r}",
        where=f"{package.directory}/package.json".lstrip("/"),
        hint=";\n  ".join(ways),
    )
