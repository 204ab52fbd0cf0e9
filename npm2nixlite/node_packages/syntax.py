"""Nix's syntax for plain values; whatever a string holds, it stays a string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["nix_attributes", "nix_list", "nix_name", "nix_string"]

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "${": "\\${"}
_SPECIAL = re.compile(r'["\\\n\r\t]|\$\{')
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
_KEYWORDS = frozenset(("assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"))


def nix_string(text: str) -> str:
    r"""A string literal that evaluates to exactly this text, which must hold no NUL.

    >>> print(nix_string("a ${b} \"c\""))
    "a \${b} \"c\""
    """
    return '"' + _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text) + '"'


def nix_name(name: str) -> str:
    """An attribute's name: as it is where it can be, else as a string literal."""
    if _IDENTIFIER.fullmatch(name) and name not in _KEYWORDS:
        return name
    return nix_string(name)


def nix_list(items: Sequence[str]) -> str:
    """A list of expressions on one line; each must bind tighter than a list's elements do."""
    return f"[ {' '.join(items)} ]" if items else "[ ]"


def nix_attributes(attributes: Mapping[str, str]) -> str:
    """An attribute set of expressions, on one line."""
    pairs = "".join(f"{nix_name(name)} = {value}; " for name, value in attributes.items())
    return f"{{ {pairs}}}"
