"""``package.json``, read and normalised as npm's ``@npmcli/package-json`` does."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, TypeAlias

from npm2nixlite.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "Json",
    "normalize",
    "normalize_bin",
    "parse_package_json",
    "read_package_json",
    "text_map",
]

Json: TypeAlias = dict[str, object]

_SEPARATORS = re.compile(r"[\\:]")


def parse_package_json(content: bytes) -> Json | None:
    """The object in a ``package.json``; None where there is none."""
    try:
        value = parse_json(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_package_json(directory: Path) -> Json | None:
    """A directory's normalised ``package.json``; None where it has none that npm could read."""
    try:
        package = parse_package_json((directory / "package.json").read_bytes())
    except OSError:
        return None
    return None if package is None else expand_bin(normalize(package), directory)


def normalize(package: Mapping[str, object]) -> Json:
    """What npm makes of a manifest or a lock's entry before it looks at it, ``bin`` aside."""
    result = {key: value for key, value in package.items() if not key.startswith("_")}
    if "bundledDependencies" in result:
        bundled = result.pop("bundledDependencies")
        result.setdefault("bundleDependencies", bundled)
    dependencies = text_map(result.get("dependencies"))
    match result.get("bundleDependencies"):
        case True:
            result["bundleDependencies"] = list(dependencies)
        case dict() as named:
            result["bundleDependencies"] = list(named)
        case list():
            pass
        case False:
            result["bundleDependencies"] = []
        case _:
            result.pop("bundleDependencies", None)
    optional = result.get("optionalDependencies")
    if isinstance(optional, dict) and dependencies:
        # both lists named an optional package once, for an npm that knew only one of them
        left = {name: spec for name, spec in dependencies.items() if name not in optional}
        result["dependencies"] = left
        if not left:
            del result["dependencies"]
    if isinstance(result.get("funding"), str):
        result["funding"] = {"url": result["funding"]}
    return result


def expand_bin(package: Json, directory: Path) -> Json:
    """``bin`` as an object of clean paths, taken from ``directories.bin`` where it is absent."""
    folders = package.get("directories")
    folder = folders.get("bin") if isinstance(folders, dict) else None
    if isinstance(folder, str) and folder and not package.get("bin"):
        base = _clean(folder)
        package["bin"] = {
            posixpath.basename(file): f"{base}/{file}" for file in _files(directory / base)
        }
        return package
    bins: dict[str, object] = {}
    for name, target in _bin_object(package).items():
        base = posixpath.basename(_clean(name))
        path = _clean(target) if isinstance(target, str) else ""
        if base and path:
            bins[base] = path
    package.pop("bin", None)
    if bins:
        package["bin"] = bins
    return package


def normalize_bin(package: Mapping[str, object]) -> dict[str, str]:
    """Command → file below the package, as ``npm-normalize-package-bin`` cleans them.

    No command or file leads out of the directory it is meant for.
    """
    clean: dict[str, str] = {}
    for name, target in _bin_object(package).items():
        base = posixpath.basename(_SEPARATORS.sub("/", name).rstrip("/"))
        base = posixpath.normpath(f"/{base}")[1:]
        if not isinstance(target, str) or not base:
            continue
        path = _rooted(target.replace("\\", "/"))
        if path:
            clean[base] = path
    return clean


def text_map(value: object) -> dict[str, str]:
    """The string fields of an object; empty for anything else."""
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if isinstance(item, str)}


def _bin_object(package: Mapping[str, object]) -> dict[str, object]:
    name = package.get("name")
    match package.get("bin"):
        case str() as path if path and isinstance(name, str) and name:
            return {name: path}
        case list() as paths:
            return {posixpath.basename(path): path for path in paths if isinstance(path, str)}
        case dict() as named:
            return named
        case _:
            return {}


def _clean(path: str) -> str:
    return _rooted(_SEPARATORS.sub("/", path))


def _rooted(path: str) -> str:
    """The path as seen from a root directory, which ``..`` cannot leave."""
    normal = posixpath.normpath("/" + path.lstrip("/")).lstrip("/")
    return f"{normal}/" if normal and path.endswith("/") else normal


def _files(directory: Path) -> list[str]:
    """All that a glob of ``**`` finds: files and directories, none with a leading dot."""
    found: list[str] = []
    pending = [""]
    while pending:  # a stack of its own: trees nest deeper than Python calls
        folder = pending.pop()
        try:
            with os.scandir(directory / folder) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        found.append(f"{folder}{entry.name}")
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(f"{folder}{entry.name}/")
        except OSError:
            continue
    return sorted(found)
