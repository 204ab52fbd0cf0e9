"""Install paths and package names: which ones a lock may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "check_links",
    "check_package_name",
    "check_relative_path",
    "is_directory",
    "name_at",
    "outermost_parent",
]

_PACKAGE = re.compile(
    r"(?:^|.*/)node_modules/(?P<name>(?:@[^/@]+/)?[^/@.][^/]*|@[^/]+/[^/]+)", re.DOTALL
)
_NAME = re.compile(r"(?:@[A-Za-z0-9_~!'()*.-]+/)?[A-Za-z0-9_~!'()*-][A-Za-z0-9_~!'()*.-]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_package_name(name: str) -> None:
    """Raise `InputError` where npm would publish no package of this name."""
    if not _NAME.fullmatch(name) or name == "node_modules":
        raise InputError(f"{name!r} is no package name")


def name_at(install_path: str) -> str:
    """The package name that an install path ends with.

    Raises:
        InputError: It does not end with ``node_modules/NAME``.
    """
    match = _PACKAGE.fullmatch(install_path)
    if match is None:
        raise InputError(
            "this install path does not end with node_modules/NAME",
            hint="the lock may be damaged; make it anew with 'npm install --package-lock-only'",
        )
    check_package_name(match["name"])
    return match["name"]


def check_relative_path(path: str, *, may_leave: bool = False) -> None:
    """Raise `InputError` where a path is not plainly below the lock's directory.

    Args:
        path: Relative, with slashes.
        may_leave: Whether it may begin with ``../``, as a link's target may.
    """
    if _UNPRINTABLE.search(path):
        raise InputError(f"the path {path!r} has a control character or half a surrogate pair")
    if "\\" in path:
        raise InputError(f"the path {path!r} has a backslash")
    parts = path.split("/")
    if may_leave:
        parts = parts[outermost_parent(path) :] or ["."]
        if parts == ["."]:
            return
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise InputError(f"the path {path!r} is absolute")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise InputError(f"the path {path!r} climbs out of the project, or is not normal")


def is_directory(install_path: str) -> bool:
    """Whether an install path is a directory of the project, or beside it, and no package's."""
    return "node_modules" not in install_path.split("/")


def check_links(links: Mapping[str, str], packages: Collection[str]) -> None:
    """Nothing may stand outside the project but the directories that links lead to.

    Args:
        links: Install path → target, empty for the project itself.
        packages: The install paths that are no links.

    Raises:
        InputError: A link leads to no package, or an install path climbs out all the same.
    """
    for install_path, target in links.items():
        if target and target not in packages:
            raise InputError(
                f"this link's target {target!r} is not in the lock",
                where=install_path,
                hint="npm refuses such a lock too; make it anew with "
                "'npm install --package-lock-only'",
            )
    targets = set(links.values())
    for install_path in (*packages, *links):
        if outermost_parent(install_path) and not any(
            install_path == target or install_path.startswith(f"{target}/") for target in targets
        ):
            raise InputError(
                "this install path climbs out of the project, and no link leads there",
                where=install_path,
            )


def outermost_parent(path: str) -> int:
    """How many ``..`` a path begins with."""
    count = 0
    for part in path.split("/"):
        if part != "..":
            break
        count += 1
    return count
