"""A project's tree: assembled, patched, and with what install scripts made of native add-ons."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.manifest import Manifest, parse_manifest
from npm2nixlite.assemble.node_modules import assemble
from npm2nixlite.assemble.trees import pack_trees
from npm2nixlite.errors import InputError
from npm2nixlite.files import parse_json, remove_tree
from npm2nixlite.project.patches import Patch, apply_patches

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REMOVED", "TreePlan", "make_tree", "read_plan"]

REMOVED = "removed.json"
"""Beside the ``tree`` of an add-on: the paths that its scripts removed."""


@dataclass(frozen=True, slots=True)
class TreePlan:
    """What a tree is made of.

    Attributes:
        manifest: What to assemble.
        patches: To be applied, in this order.
        addons: Install path → what its install scripts made, as `npm2nixlite.project.addon` left
            it.
    """

    manifest: Manifest
    patches: tuple[Patch, ...]
    addons: Mapping[str, Path]


def read_plan(path: Path) -> TreePlan:
    """Read the Nix library's JSON file: a manifest, and ``patches`` and ``addons`` beside it.

    Raises:
        InputError: It cannot be read, or is none.
    """
    try:
        value = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"no manifest: {error}", where=str(path)) from error
    manifest = parse_manifest(value)
    patches = tuple(
        Patch(Path(one["file"]), one["name"], one["path"]) for one in value.get("patches", [])
    )
    addons = {location: Path(made) for location, made in value.get("addons", {}).items()}
    return TreePlan(manifest, patches, addons)


def make_tree(plan: TreePlan, out: Path) -> None:
    """Make the tree below ``out``, which has no ``node_modules`` yet.

    Raises:
        BuildError: A tarball is missing, damaged or unsafe, or a patch does not apply.
        InputError: The lock cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as scratch:
        assemble(pack_trees(plan.manifest, Path(scratch)), out)
    apply_patches(plan.patches, out)
    for location, made in plan.addons.items():
        if (out / location).is_dir():
            _lay_over(made, out)


def _lay_over(made: Path, out: Path) -> None:
    for path in parse_json((made / REMOVED).read_bytes()):
        _remove(out / path)
    for source in sorted((made / "tree").rglob("*")):
        target = out / source.relative_to(made / "tree")
        if source.is_dir() and not source.is_symlink():
            if target.is_symlink() or not target.is_dir():
                _remove(target)
                target.mkdir()
            continue
        _remove(target)
        shutil.copyfile(source, target, follow_symlinks=False)
        if not source.is_symlink():
            target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        remove_tree(path)
