"""Nix's base 32: its own alphabet, and the digest read as one little-endian number."""

from __future__ import annotations

import re

from npm2nixlite.errors import InputError

__all__ = ["ALPHABET", "decode", "encode", "encoded_length"]

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"
"""Digits and lower-case letters without e, o, u and t, in the order of their values."""

_PYTHON_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_FROM_NIX = str.maketrans(ALPHABET, _PYTHON_DIGITS)
_DIGITS = re.compile(f"[{ALPHABET}]*")


def encoded_length(size: int) -> int:
    """The number of digits ``size`` bytes take."""
    return -(-size * 8 // 5)


def encode(digest: bytes) -> str:
    """Write bytes in Nix's base 32; the most significant digit, of the last byte, comes first."""
    number = int.from_bytes(digest, "little")
    places = range(encoded_length(len(digest)) - 1, -1, -1)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in places)


def decode(text: str) -> bytes:
    """Read Nix's base 32.

    Raises:
        InputError: A character is no digit, or the text is not what `encode` makes of any bytes.
    """
    size = len(text) * 5 // 8
    if _DIGITS.fullmatch(text) is None:
        raise InputError(f"{text!r} is not in Nix's base 32", hint=f"its digits are {ALPHABET}")
    number = int(text.translate(_FROM_NIX) or "0", 32)
    if len(text) != encoded_length(size) or number >> 8 * size:
        raise InputError(f"{text!r} is no whole number of bytes in Nix's base 32")
    return number.to_bytes(size, "little")
