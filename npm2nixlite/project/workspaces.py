"""A project's workspaces on disk: which there are, their names, and the order to build them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import Json, read_package_json, text_map
from npm2nixlite.errors import InputError
from npm2nixlite.pack.workspaces import workspace_directories

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Workspace", "build_order", "chosen", "read_project", "workspaces_of"]

_NEEDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """A package of the project: the project itself, or one of its workspaces.

    Attributes:
        directory: Relative to the project; empty for the project itself.
        package: Its normalised package.json.
    """

    directory: str
    package: Json

    @property
    def name(self) -> str:
        """Its name; its directory's where package.json has none, as with npm."""
        name = self.package.get("name")
        return name if isinstance(name, str) and name else self.directory.rpartition("/")[2]

    @property
    def scripts(self) -> dict[str, str]:
        """Its scripts."""
        return text_map(self.package.get("scripts"))


def read_project(project: Path) -> Workspace:
    """The project's own package.

    Raises:
        InputError: There is no package.json, or it is no JSON object.
    """
    package = read_package_json(project)
    if package is None:
        raise InputError(
            "there is no package.json here that npm could read",
            where=str(project),
            hint="sourceRoot says where in src the project is",
        )
    return Workspace("", package)


def workspaces_of(project: Path) -> list[Workspace]:
    """The workspaces that the project's package.json means."""
    directories = workspace_directories(project, read_project(project).package.get("workspaces"))
    found = ((directory, read_package_json(project / directory)) for directory in directories)
    return [Workspace(directory, package) for directory, package in found if package is not None]


def chosen(workspaces: Iterable[Workspace], names: Iterable[str]) -> list[Workspace]:
    """The workspaces that are meant, by directory, by a directory above several, or by name.

    Raises:
        InputError: There is no such workspace.
    """
    known = list(workspaces)
    result: dict[Workspace, None] = {}
    for name in names:
        place = name.removeprefix("./").rstrip("/")
        found = [
            one
            for one in known
            if name == one.name or place == one.directory or one.directory.startswith(f"{place}/")
        ]
        if not found:
            raise InputError(f"npmWorkspace: there is no workspace {name!r}", hint=_listed(known))
        result |= dict.fromkeys(found)
    return list(result)


def build_order(workspaces: Iterable[Workspace], wanted: Iterable[Workspace]) -> list[Workspace]:
    """The wanted workspaces, each after those that it depends on.

    Workspaces that depend on each other come in the order of the project.
    """
    by_name = {one.name: one for one in workspaces}
    order: dict[Workspace, None] = {}
    begun: set[Workspace] = set()

    def visit(one: Workspace) -> None:
        if one in begun:
            return
        begun.add(one)
        for kind in _NEEDS:
            for name in text_map(one.package.get(kind)):
                if name in by_name:
                    visit(by_name[name])
        order[one] = None

    for one in wanted:
        visit(one)
    return list(order)


def _listed(known: list[Workspace]) -> str:
    if not known:
        return "the project has no workspaces"
    return f"the project has {', '.join(one.directory for one in known)}"
