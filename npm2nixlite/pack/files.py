"""Which files of a package npm packs: its own, and those of the packages it bundles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npm2nixlite.errors import InputError
from npm2nixlite.files import parse_json
from npm2nixlite.pack.directory import bins_of, package_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["PackedFile", "packed_files"]


@dataclass(frozen=True, order=True, slots=True)
class PackedFile:
    """A file that is packed.

    Attributes:
        path: Below the directory, with slashes.
        executable: As it is on disk, or because it is a bin.
    """

    path: str
    executable: bool


def packed_files(directory: Path) -> tuple[PackedFile, ...]:
    """What npm packs of a directory, in code point order.

    Args:
        directory: With a package.json; bundled packages come with it as far as they are installed
            in its ``node_modules``.

    Raises:
        InputError: There is no package.json, or it is no JSON object.
        OSError: Something cannot be read.
    """
    directory = directory.resolve()
    package = _read_package(directory)
    found = dict(package_directory(directory, package).packed())
    found |= dict(_bundled(directory, directory, _bundled_names(package), set()))
    bins = bins_of(package)
    return tuple(
        sorted(
            # npm looks for a bin under its path's tail: only one in the root gets its bit.
            PackedFile(path, executable or path.partition("/")[2 if "/" in path else 0] in bins)
            for path, executable in found.items()
        )
    )


def _bundled_names(package: Mapping[str, Any]) -> list[str]:
    """What a package.json bundles: nothing that is only for development, or a peer."""
    wanted = package.get("bundleDependencies", package.get("bundledDependencies"))
    names = _names(package, "dependencies", "optionalDependencies")
    if isinstance(wanted, list):
        names = [name for name in wanted if name in names]
    elif wanted is not True:
        return []
    return [name for name in names if name not in _names(package, "devDependencies")]


def _bundled(
    root: Path, place: Path, names: Iterable[str], seen: set[Path]
) -> Iterator[tuple[str, bool]]:
    """Path below the root and executable bit of what bundled packages bring, theirs included."""
    for name in names:
        installed = _installed(root, place, name)
        if installed is None:
            continue
        package = _read_package(installed)
        linked = installed.is_symlink()
        for path, executable in package_directory(installed, package, bundled=not linked).packed():
            yield f"{installed.relative_to(root).as_posix()}/{path}", executable
        real = installed.resolve() if linked else installed
        if real not in seen:
            seen.add(real)
            needs = _names(package, "dependencies", "optionalDependencies")
            yield from _bundled(root, real, needs, seen)


def _installed(root: Path, place: Path, name: str) -> Path | None:
    """What Node.js finds under a name, from a place in the package or of the package itself."""
    for folder in (place, *place.parents):
        if not folder.is_relative_to(root):
            break
        if folder.name != "node_modules" and (folder / "node_modules" / name).is_dir():
            return folder / "node_modules" / name
    return None


def _names(package: Mapping[str, Any], *groups: str) -> list[str]:
    found = (package.get(group) for group in groups)
    return [name for names in found if isinstance(names, dict) for name in names]


def _read_package(directory: Path) -> dict[str, Any]:
    try:
        package = parse_json((directory / "package.json").read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"no package.json: {error}", where=str(directory)) from error
    if not isinstance(package, dict):
        raise InputError("this package.json is no object", where=str(directory))
    return package
