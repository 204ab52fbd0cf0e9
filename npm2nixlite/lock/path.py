"""Install paths and package names: which ones a lock may use."""

from __future__ import annotations

import re

from npm2nixlite.errors import InputError

__all__ = ["check_package_name", "check_relative_path", "name_at", "outermost_parent"]

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


def outermost_parent(path: str) -> int:
    """How many ``..`` a path begins with."""
    count = 0
    for part in path.split("/"):
        if part != "..":
            break
        count += 1
    return count
