"""``.bin``: a link for each command of each package, as npm's ``bin-links`` makes them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from npm2nixlite.assemble.collation import collation_key
from npm2nixlite.assemble.package_json import Json, normalize_bin, read_package_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from npm2nixlite.assemble.tree import Node

__all__ = ["link_bins", "mark_bins", "mend"]

_HASH_BANG_READ = 2048
_CRLF = re.compile(rb"#![^\n]+\r\n")


def link_bins(out: Path, installed: Iterable[tuple[Node, Json]]) -> None:
    """Link the commands, make their files executable and mend their first lines.

    The first package to claim a command has it, even where its file does not exist: packages go
    before links, the shallow before the deep, and then by name.

    Args:
        out: The directory that install paths are relative to.
        installed: Each package or link with the manifest its ``bin`` counts from.
    """
    claimed: set[str] = set()
    order = sorted(
        installed,
        key=lambda pair: (pair[0].link is not None, pair[0].depth, collation_key(pair[0].location)),
    )
    root = str(out)
    within = f"{os.path.realpath(out)}/"
    for node, package in order:
        if not package.get("bin"):
            continue
        home = node.location[: -len(node.name)] + ".bin"
        for command, path in normalize_bin(package).items():
            link = f"{root}/{home}/{command}"
            if link not in claimed:
                claimed.add(link)
                _link(link, f"{root}/{node.location}/{path}", within)


def mark_bins(package_directory: Path) -> None:
    """Make the files of a package's commands executable, without linking them.

    So does npm as it unpacks a package whose manifest it asked the registry for.
    """
    package = read_package_json(package_directory)
    for path in normalize_bin(package).values() if package else ():
        file = package_directory / path
        if file.is_file() and not file.is_symlink():
            file.chmod(file.stat().st_mode | 0o111)


def _link(link: str, file: str, within: str) -> None:
    if not os.path.lexists(file):
        return
    folder = os.path.dirname(link)
    if os.path.lexists(link):  # a tarball brought a .bin of its own
        if os.path.isdir(link) and not os.path.islink(link):
            from npm2nixlite.files import remove_tree

            remove_tree(link)
        else:
            os.unlink(link)
    else:
        os.makedirs(folder, exist_ok=True)
    os.symlink(os.path.relpath(file, folder), link)
    if os.path.realpath(file).startswith(within):  # what links lead to elsewhere is not ours
        mend(file)


def mend(file: str) -> None:
    """Make a command's file executable, and its first line end as Unix wants it."""
    if not os.path.exists(file) or not os.access(file, os.W_OK):
        return  # a link leads out of the tree, to what is not ours to change
    mask = os.umask(0)
    os.umask(mask)
    mode = 0o777 & ~mask
    os.chmod(file, mode)
    if not os.path.isfile(file):
        return
    with open(file, "rb") as source:
        if not _CRLF.match(source.read(_HASH_BANG_READ)):
            return
        source.seek(0)
        content = source.read()
    line, _, rest = content.partition(b"\n")
    # npm reads and writes the file as text, and so replaces what is no UTF-8
    text = (line[:-1] + b"\n" + rest).decode("utf-8", "replace")
    temporary = f"{file}.mended"
    with open(temporary, "wb") as target:
        target.write(text.encode())
    os.chmod(temporary, mode)
    os.replace(temporary, file)
