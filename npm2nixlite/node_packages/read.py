"""Read a generated ``node-packages.nix`` back, without Nix.

Only what this program wrote is understood: its packages stand one a line, as
`npm2nixlite.node_packages.write` writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["NodePackages", "read_node_packages"]

Value = str | bool | tuple[str, ...]
"""What an attribute of a package's line can be."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(rf"    (?P<name>{_STRING}|[A-Za-z_][\w'-]*) = \{{ (?P<attributes>.*)\}};")
_ATTRIBUTE = re.compile(
    rf"(?P<name>{_STRING}|[A-Za-z_][\w'-]*) = (?P<value>{_STRING}|true|\[(?: {_STRING})* \]); "
)
_BLOCK = re.compile(rf"    (?P<name>{_STRING}) = \{{")
_REGISTRY = re.compile(rf"  registry(?: \? (?P<default>{_STRING}))?,")
_PROJECT = re.compile(rf"  project \? \./\.(?: \+ (?P<below>{_STRING}))?,")
_ESCAPED = re.compile(r"\\(.)")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class NodePackages:
    """A generated file's content.

    Attributes:
        registry: The default of its argument ``registry``, where it has one.
        project: The default of its argument ``project``, relative to the file's directory.
        lines: Install path → the package's line.
        packages: Install path → the package's attributes, as they are written: ``version``,
            ``path`` or ``url`` with ``hash``, ``file`` with ``sha256``, ``git`` with ``rev``
            and ``narHash``, ``storeName``, ``link``, flags and platforms. What a git dependency is
            built with follows, under the dependency's address, a space and the install path.
        prepared: The keys of those.
    """

    registry: str | None
    project: str
    lines: Mapping[str, str]
    packages: Mapping[str, Mapping[str, Value]]
    prepared: frozenset[str]


def read_node_packages(text: str, file: str) -> NodePackages:
    """Read a generated file.

    Args:
        text: Its content.
        file: What to call it in messages.

    Raises:
        InputError: It is not one that this program wrote.
    """
    head, opening, rest = text.partition("  locked = {\n")
    body, closing, after = (
        rest.partition("\n  };\n") if not rest.startswith("  };\n") else ("", "}", rest)
    )
    registry = _REGISTRY.search(head)
    if not opening or not closing or registry is None:
        raise InputError(
            "this is no file that npm2nixlite wrote",
            where=file,
            hint="make one with 'npm2nixlite generate'",
        )
    lines: dict[str, str] = {}
    packages: dict[str, Mapping[str, Value]] = {}
    _read_lines(body.split("\n"), "", file, lines, packages)
    direct = frozenset(packages)
    _, prepared, rest = after.partition("\n  prepared = {\n")
    dependency = ""
    for line in rest.partition("\n  };\n")[0].split("\n") if prepared else ():
        block = _BLOCK.fullmatch(line)
        if block is not None:
            dependency = f"{_name(block['name'])} "
        elif line != "    };":
            _read_lines([line.removeprefix("  ")], dependency, file, lines, packages)
    default = registry["default"]
    project = _PROJECT.search(head)
    below = project["below"] if project else None
    return NodePackages(
        registry=None if default is None else _unquote(default),
        project="." if below is None else _unquote(below).lstrip("/"),
        lines=lines,
        packages=packages,
        prepared=frozenset(packages) - direct,
    )


def _read_lines(
    body: Iterable[str],
    prefix: str,
    file: str,
    lines: dict[str, str],
    packages: dict[str, Mapping[str, Value]],
) -> None:
    for line in filter(None, body):
        match = _LINE.fullmatch(line)
        attributes = None if match is None else _attributes(match["attributes"])
        if match is None or attributes is None:
            raise InputError(
                f"this line is not as npm2nixlite writes it: {line.strip()[:80]}",
                where=file,
                hint="make the file anew with 'npm2nixlite generate'",
            )
        install_path = prefix + _name(match["name"])
        lines[install_path] = line
        packages[install_path] = attributes


def _attributes(text: str) -> dict[str, Value] | None:
    attributes: dict[str, Value] = {}
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            return None
        attributes[_name(match["name"])] = _value(match["value"])
        position = match.end()
    return attributes


def _value(text: str) -> Value:
    if text == "true":
        return True
    if text.startswith("["):
        return tuple(map(_unquote, re.findall(_STRING, text)))
    return _unquote(text)


def _name(text: str) -> str:
    return _unquote(text) if text.startswith('"') else text


def _unquote(text: str) -> str:
    return _ESCAPED.sub(lambda match: _CONTROL.get(match[1], match[1]), text[1:-1])
