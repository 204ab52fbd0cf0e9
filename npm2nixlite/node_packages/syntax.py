"""Nix's syntax for plain values, written and read; whatever a string holds, it stays a string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "NotPlainError",
    "Value",
    "nix_attributes",
    "nix_list",
    "nix_name",
    "nix_string",
    "read_attributes",
]

Value = str | int | bool | None | tuple["Value", ...] | dict[str, "Value"]
"""A plain value, read: an attribute set is a dict, a list a tuple."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "${": "\\${"}
_SPECIAL = re.compile(r'["\\\n\r\t]|\$\{')
_UNESCAPED = {written: text for text, written in _ESCAPES.items()}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
_KEYWORDS = frozenset(("assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"))
_CONSTANTS = {"true": True, "false": False, "null": None}

# Exactly what `nix_string` writes: nothing in it is evaluated.
_STRING = r'"(?:[^"\\$\n\r\t\x00\ud800-\udfff]|\\["\\nrt]|\\\$\{|\$(?!\{))*"'
_ESCAPED = re.compile(r'\\(?:["\\nrt]|\$\{)')
_TOKEN = re.compile(
    rf"[ \n]*(?:(?P<string>{_STRING})|(?P<word>{_IDENTIFIER.pattern})"
    r"|(?P<number>0|[1-9][0-9]{0,8})|(?P<sign>[\[\]{}=;])|(?P<end>\Z))"
)
_DEEPEST = 8


class NotPlainError(Exception):
    """A text is not what this module writes.

    Args:
        position: Where in the text, in characters.
    """

    def __init__(self, position: int) -> None:
        super().__init__(f"no plain value at {position}")
        self.position = position


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


def read_attributes(text: str) -> dict[str, Value]:
    """Read what stands between the braces of an attribute set of plain values.

    Args:
        text: ``NAME = VALUE; …``, each value a string, a natural number below 10⁹, ``true``,
            ``false``, ``null``, a list or an attribute set; nothing is evaluated.

    Raises:
        NotPlainError: It is something else, or names an attribute twice.
    """
    tokens = _tokens(text)
    found, end = _attributes(tokens, 0)
    if end != "":
        raise NotPlainError(len(text))
    return found


_Token = tuple[str, str, int]


def _tokens(text: str) -> Iterator[_Token]:
    """The text's tokens: kind, text, position; one of the kind ``end`` comes last."""
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() != end:
            break  # between the two there is something else
        kind, end = match.lastgroup or "end", match.end()
        yield kind, match[kind], match.start(kind)
        if kind == "end":
            return
    raise NotPlainError(len(text) - len(text[end:].lstrip(" \n")))


def _attributes(tokens: Iterator[_Token], depth: int) -> tuple[dict[str, Value], str]:
    """Attributes up to what ends them, and what that is: a brace, or nothing."""
    found: dict[str, Value] = {}
    while True:
        kind, text, position = next(tokens)
        if kind == "end" or text == "}":
            return found, text
        name = _unquote(text) if kind == "string" else text
        if kind not in {"string", "word"} or name in found or text in _KEYWORDS:
            raise NotPlainError(position)
        _expect("=", next(tokens))
        found[name] = _value(tokens, next(tokens), depth)
        _expect(";", next(tokens))


def _value(tokens: Iterator[_Token], token: _Token, depth: int) -> Value:
    kind, text, position = token
    if kind == "string":
        return _unquote(text)
    if kind == "number":
        return int(text)
    if kind == "word" and text in _CONSTANTS:
        return _CONSTANTS[text]
    if depth < _DEEPEST:
        if text == "[":
            items: list[Value] = []
            while (item := next(tokens))[1] != "]":
                items.append(_value(tokens, item, depth + 1))
            return tuple(items)
        if text == "{":
            found, end = _attributes(tokens, depth + 1)
            if end == "}":
                return found
    raise NotPlainError(position)


def _expect(sign: str, token: _Token) -> None:
    if token[1] != sign:
        raise NotPlainError(token[2])


def _unquote(text: str) -> str:
    return _ESCAPED.sub(lambda match: _UNESCAPED[match[0]], text[1:-1])
