"""Write the model of a generated file as the text of a ``node-packages.nix``.

The text is a function of the model, and of nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.lock.model import Link, LocalDirectory
from npm2nixlite.node_packages.frame import ARGUMENTS, BODY, PREPARE, PREPARED
from npm2nixlite.node_packages.model import (
    FORMAT,
    AnyEntry,
    Content,
    Flag,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
    default_name,
)
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.node_packages.syntax import nix_attributes, nix_list, nix_name, nix_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.assemble.recorded import Recorded
    from npm2nixlite.plan import Blocker

__all__ = ["entry_line", "top_fields", "write_node_packages"]

_FLAGS = tuple(Flag)


def write_node_packages(content: NodePackages) -> str:
    """The text of a ``node-packages.nix``; `read_node_packages` gives the same model back."""
    default = "" if content.registry is None else f" ? {nix_string(content.registry)}"
    below = "./." if content.project == "." else f"./. + {nix_string(f'/{content.project}')}"
    prepared = "".join(_prepared_lines(content))
    return "".join(
        (
            ARGUMENTS.format(lock_name=content.lock_name, default=default, project=below),
            *(entry_line(entry) for entry in content.entries),
            BODY.format(
                fields=top_fields(content),
                prepared=PREPARED.format(prepared=prepared) if prepared else "",
                entries="everything" if prepared else "(builtins.attrValues locked)",
                prepare=PREPARE.format() if prepared else "",
            ),
        )
    )


def entry_line(entry: AnyEntry, indent: str = "    ") -> str:
    """An install path's one line, with its line feed."""
    attributes = {"link": nix_string(entry.target)} if isinstance(entry, Link) else _package(entry)
    return f"{indent}{nix_name(entry.install_path)} = {nix_attributes(attributes)};\n"


def top_fields(content: NodePackages) -> str:
    """The fields that stand beside the packages, one a line, each blocker on its own."""
    fields = {
        "format": str(FORMAT),
        "name": _optional_string(content.name),
        "version": _optional_string(content.version),
        "lockfileVersion": str(content.lockfile_version),
        "lockHash": nix_string(f"sha256:{content.lock_sha256}"),
        "canonical": "true" if content.canonical else "false",
        "blockers": _blockers(content.blockers),
    }
    recorded = _recorded(content.recorded)
    if recorded:
        fields["recorded"] = nix_attributes(recorded)
    return "".join(f"  {name} = {value};\n" for name, value in fields.items())


def _prepared_lines(content: NodePackages) -> Iterator[str]:
    """What git dependencies are built by, in the order of their addresses."""
    for address, entries in sorted((str(key), value) for key, value in content.prepared.items()):
        yield f"    {nix_name(address)} = {{\n"
        for entry in entries:
            yield entry_line(entry, "      ")
        yield "    };\n"


def _package(entry: PackageEntry) -> dict[str, str]:
    attributes: dict[str, str] = {}
    if entry.name != default_name(entry.install_path):
        attributes["name"] = nix_string(entry.name)
    if entry.version is not None:
        attributes["version"] = nix_string(entry.version)
    attributes |= _content(entry.content)
    if entry.flags:
        attributes |= {flag.value: "true" for flag in _FLAGS if flag in entry.flags}
    for name, values in (("os", entry.os), ("cpu", entry.cpu), ("libc", entry.libc)):
        if values:
            attributes[name] = nix_list([*map(nix_string, values)])
    return attributes


def _content(content: Content) -> dict[str, str]:
    if isinstance(content, Pin):
        place = "path" if content.address.relative else "url"
        return _file(place, content.address.path) | {"hash": nix_string(str(content.sha512))}
    if isinstance(content, LocalPin):
        return _file("file", content.path) | {"sha256": nix_string(str(content.sha256))}
    if isinstance(content, GitPin):
        return _git(content)
    if isinstance(content, LocalDirectory):
        return {"directory": nix_string(content.path)}
    return {}


def _file(place: str, path: str) -> dict[str, str]:
    attributes = {place: nix_string(path)}
    name, must_be_given = store_name(path)
    if must_be_given:
        attributes["storeName"] = nix_string(name)
    return attributes


def _git(pin: GitPin) -> dict[str, str]:
    tree = pin.tree
    attributes = {
        "git": tree.url,
        "rev": tree.rev,
        "narHash": str(pin.sha256),
        "storeName": pin.store_name,
    }
    if tree.directory:
        attributes["subdirectory"] = tree.directory
    flags = {"submodules": pin.submodules, "prepare": pin.prepare}
    return {name: nix_string(text) for name, text in attributes.items()} | {
        name: "true" for name, value in flags.items() if value
    }


def _recorded(recorded: Recorded) -> dict[str, str]:
    sets = {"settings": recorded.settings, "manifests": recorded.manifests}
    lists = {"removed": recorded.removed, "layout": recorded.layout}
    return {
        name: nix_attributes({key: nix_string(text) for key, text in texts.items()})
        for name, texts in sets.items()
        if texts
    } | {name: nix_list([*map(nix_string, texts)]) for name, texts in lists.items() if texts}


def _blockers(blockers: tuple[Blocker, ...]) -> str:
    if not blockers:
        return "[ ]"
    items = "".join(
        f"    {{ path = {nix_string(item.install_path)}; reason = {nix_string(item.reason)}; }}\n"
        for item in blockers
    )
    return f"[\n{items}  ]"


def _optional_string(text: str | None) -> str:
    return "null" if text is None else nix_string(text)
