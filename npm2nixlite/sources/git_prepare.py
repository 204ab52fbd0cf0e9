"""What npm does with a git dependency before it packs it, told by its tree.

npm installs a clone's own dependencies where its package.json has workspaces or one of some
scripts, has its build scripts run, and packs what is there then (pacote's git and directory
fetchers). Where nothing of that can change what is packed, the tree can be packed as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.files import parse_json, walk
from npm2nixlite.lock.find import LOCK_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from npm2nixlite.lock.git import GitTree

__all__ = ["Preparation", "inspect_tree"]

_INSTALLING = ("preinstall", "install", "postinstall", "build", "prepack", "prepare")
"""Scripts for whose sake npm installs the dependencies."""
_BUILDING = ("prepublish", "preprepare", "prepare", "postprepare", "prepack")
"""Scripts that make of the tree what is packed; npm itself leaves the last to other clients."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a tree needs before it is packed.

    Attributes:
        lock: The lock of its own that it is built by; None where it is packed as it is.
        obstacles: Why it cannot be packed as npm would do it; empty where it can.
    """

    lock: Path | None = None
    obstacles: tuple[str, ...] = ()


def inspect_tree(tree: GitTree, place: Path) -> Preparation:
    """Find out what a tree needs.

    Args:
        tree: What it is.
        place: Its repository's files.
    """
    project = f"{tree.directory}/" if tree.directory else ""
    try:
        manifest = parse_json(_own_file(place, f"{project}package.json").read_bytes())
        scripts = manifest.get("scripts") or {}
    except FileNotFoundError:
        return Preparation(obstacles=("it has no package.json",))
    except (OSError, ValueError, AttributeError) as error:
        return Preparation(obstacles=(f"its package.json cannot be read: {error}",))
    lock = _lock(place, project)
    obstacles: list[str] = []
    needed = _why_installed(manifest, scripts if isinstance(scripts, dict) else {})
    if needed is None and not (lock and manifest.get("workspaces")):
        lock = None
    elif lock is None:
        obstacles.append(
            f"npm installs its dependencies before packing it ({needed}); they are in no lock"
        )
    elif (place / project / "node_modules").is_dir():
        obstacles.append(
            f"npm installs its dependencies before packing it ({needed}), over the node_modules "
            "that its repository has; that is not done here"
        )
    attributes = (
        Path(entry.path)
        for entry in walk(place)
        if entry.name == ".gitattributes" and entry.is_file()
    )
    if tree.on_forge and any(map(_keeps_from_archives, attributes)):
        obstacles.append(
            "npm takes the forge's archive of it, and its .gitattributes make that differ from "
            "the commit (export-ignore, export-subst)"
        )
    return Preparation(lock, tuple(obstacles))


def _why_installed(manifest: Mapping[str, object], scripts: Collection[str]) -> str | None:
    """What in a package.json makes that the installed dependencies matter to what is packed."""
    if not manifest.get("workspaces") and not set(_INSTALLING) & set(scripts):
        return None
    building = [name for name in _BUILDING if name in scripts]
    if building:
        return f"scripts: {', '.join(building)}"
    if manifest.get("bundleDependencies") or manifest.get("bundledDependencies"):
        return "and packs those in bundleDependencies with it"
    return None


def _lock(place: Path, project: str) -> Path | None:
    for name in LOCK_NAMES:
        try:
            file = _own_file(place, f"{project}{name}")
        except FileNotFoundError:
            continue
        if file.is_file():
            return file
    return None


def _own_file(place: Path, path: str) -> Path:
    """A file of the tree; what a link leads to is not the tree's, and may never end."""
    file = place / path
    if file.is_symlink() or file.resolve() != place.resolve() / path:
        raise FileNotFoundError
    return file


def _keeps_from_archives(attributes: Path) -> bool:
    if attributes.is_symlink():
        return False  # git does not read such a one
    text = attributes.read_text("utf-8", "replace")
    return any(
        {"export-ignore", "export-subst"} & set(line.split()[1:])
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    )
