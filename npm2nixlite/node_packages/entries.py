"""The entries of a generated file: one line for each install path, and what they make together."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory
from npm2nixlite.lock.path import check_links, check_relative_path, is_directory, name_at
from npm2nixlite.node_packages.fields import (
    EntryFields,
    check_inside,
    read_hash,
    read_path,
    read_relative_address,
    read_tree,
    read_url,
)
from npm2nixlite.node_packages.model import (
    AnyEntry,
    AnyPin,
    Content,
    Flag,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
    Unfilled,
    default_name,
)
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.node_packages.syntax import NotPlainError, read_attributes
from npm2nixlite.node_packages.write import entry_line
from npm2nixlite.plan import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.node_packages.syntax import Value

__all__ = [
    "check_one_hash",
    "lines_of",
    "not_as_written",
    "plain",
    "read_entries",
    "read_prepared",
]


def lines_of(text: str) -> list[str]:
    """A text's lines, with their line feeds; other line separators may stand in strings."""
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def plain(text: str) -> Mapping[str, Value]:
    """Attributes of plain values.

    Raises:
        InputError: They are something else; the message has the line.
    """
    try:
        return read_attributes(text)
    except NotPlainError as error:
        start = text.rfind("\n", 0, error.position) + 1
        raise not_as_written(text[start:]) from None


def not_as_written(text: str) -> InputError:
    """The error about a text's first line."""
    line = text.partition("\n")[0].strip()
    return InputError(f"this line is not as npm2nixlite writes it: {line[:80]}")


def read_entries(lines: Iterable[str], indent: str) -> tuple[AnyEntry, ...]:
    """Entries, each on one line.

    Raises:
        InputError: A line is not as it would be written, or what it says cannot be meant.
    """
    entries: list[AnyEntry] = []
    for line in lines:
        ((install_path, value),) = _one(line)
        try:
            entry = _entry(install_path, EntryFields(value))
        except InputError as error:
            raise error.within(install_path) from None
        if entry_line(entry, indent) != line:
            raise not_as_written(line)
        if entries and entries[-1].install_path >= install_path:
            raise InputError("this install path is out of order", where=install_path)
        entries.append(entry)
    check_links(
        {entry.install_path: entry.target for entry in entries if isinstance(entry, Link)},
        {entry.install_path: None for entry in entries if isinstance(entry, PackageEntry)},
    )
    return tuple(entries)


def _one(line: str) -> tuple[tuple[str, dict[str, Value]]]:
    """The only attribute of a line, which is a set itself."""
    values = [(name, value) for name, value in plain(line).items() if isinstance(value, dict)]
    if len(values) != 1:
        raise not_as_written(line)
    return (values[0],)


def _entry(install_path: str, fields: EntryFields) -> AnyEntry:
    check_relative_path(install_path, may_leave=True)
    if "link" in fields or not is_directory(install_path):
        name_at(install_path)
    if "link" in fields:
        target = fields.text("link")
        if target:
            read_path(target)
        fields.finish()
        return Link(install_path, target)
    name = fields.optional_text("name") or default_name(install_path)
    if name is None:
        raise InputError("its 'name' is missing")
    version = fields.optional_text("version")
    content = _content(fields)
    flags = frozenset(flag for flag in Flag if fields.flag(flag.value))
    if isinstance(content, Unfilled) and Flag.IN_BUNDLE in flags:
        content = Bundled()
    platforms = [fields.texts(field) for field in ("os", "cpu", "libc")]
    fields.finish()
    return PackageEntry(install_path, name, version, content, flags, *platforms)


def _content(fields: EntryFields) -> Content:
    if "path" in fields or "url" in fields:
        relative = "path" in fields
        path = fields.text("path" if relative else "url")
        check = read_relative_address if relative else read_url
        address = Address(check(path), relative)
        _check_store_name(fields, path)
        return Pin(address, read_hash("hash", fields.text("hash"), "sha512"))
    if "file" in fields:
        path = read_path(fields.text("file"))
        _check_store_name(fields, path)
        return LocalPin(path, read_hash("sha256", fields.text("sha256"), "sha256"))
    if "git" in fields:
        return _git_pin(fields)
    if "directory" in fields:
        return LocalDirectory(read_path(fields.text("directory")))
    return Unfilled()


def _git_pin(fields: EntryFields) -> GitPin:
    directory = fields.optional_text("subdirectory") or ""
    pin = GitPin(
        tree=read_tree(fields.text("git"), fields.text("rev"), directory),
        sha256=read_hash("narHash", fields.text("narHash"), "sha256"),
        submodules=fields.flag("submodules"),
        prepare=fields.flag("prepare"),
    )
    _check_name(fields.text("storeName"), pin.store_name)
    return pin


def _check_store_name(fields: EntryFields, path: str) -> None:
    name, must_be_given = store_name(path)
    if must_be_given or "storeName" in fields:
        _check_name(fields.text("storeName"), name)


def _check_name(found: str, expected: str) -> None:
    if found != expected:
        raise InputError(f"its 'storeName' is {found!r}, expected {expected!r}")


def check_one_hash(content: NodePackages) -> None:
    """Refuse several hashes of one address: Nix would take the first of them for all."""
    known: dict[object, AnyPin] = {}
    for label, entry in content.labelled():
        pin = entry.content if isinstance(entry, PackageEntry) else None
        if isinstance(pin, Pin):
            first = known.setdefault(pin.address, pin)
        elif isinstance(pin, GitPin):
            pin = replace(pin, tree=replace(pin.tree, directory=""), prepare=False)
            first = known.setdefault(pin.tree, pin)
        else:
            continue
        if first != pin:
            raise InputError("an entry before gives its address another hash", where=label)


def read_prepared(text: str, entries: Iterable[AnyEntry]) -> dict[GitTree, tuple[AnyEntry, ...]]:
    """What git dependencies are built by: a block for each that any entry says is built."""
    found: dict[str, tuple[AnyEntry, ...]] = {}
    block: list[str] = []
    for line in lines_of(text):
        if not block and not line.endswith(" = {\n"):
            raise not_as_written(line)
        if line != "    };\n":
            block.append(line)
            continue
        ((address, _),) = _one(f"{block[0][:-1]} }};")
        if found and max(found) >= address:
            raise InputError("this git dependency is out of order", where=address)
        found[address] = read_entries(block[1:], "      ")
        block = []
    if block:
        raise not_as_written(block[-1])
    pins = [
        entry.content
        for entry in (*entries, *chain.from_iterable(found.values()))
        if isinstance(entry, PackageEntry) and isinstance(entry.content, GitPin)
    ]
    trees = {str(pin.tree): pin.tree for pin in pins if pin.prepare}
    for address in trees.keys() ^ found.keys():
        raise InputError("what this git dependency is built by is not in step", where=address)
    for address, built in found.items():
        for entry in built:
            if isinstance(entry, PackageEntry) and isinstance(entry.content, LocalPin):
                check_inside(trees[address], entry.content.path)
    _check_order_of_builds(found)
    return {trees[address]: built for address, built in found.items()}


def _check_order_of_builds(built: Mapping[str, tuple[AnyEntry, ...]]) -> None:
    """Refuse a git dependency that is needed to build itself: Nix would never come to an end."""
    needed = {
        address: {
            str(entry.content.tree)
            for entry in entries
            if isinstance(entry, PackageEntry)
            and isinstance(entry.content, GitPin)
            and entry.content.prepare
        }
        for address, entries in built.items()
    }
    while ready := [address for address, others in needed.items() if not others & needed.keys()]:
        for address in ready:
            del needed[address]
    for address in needed:
        raise InputError("this git dependency is needed to build itself", where=address)
