"""The order npm sorts by: JavaScript's ``localeCompare`` in English.

That is the Unicode Collation Algorithm with CLDR's root order. Its tables are not in Python's
standard library; package names, file names and lock keys are ASCII nearly always, for which the
order is written out here. What lies beyond sorts behind it, letters with accents by their letter.
"""

from __future__ import annotations

import unicodedata
from functools import cache

__all__ = ["collation_key"]

_SYMBOLS = "\t\n\x0b\x0c\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PRIMARY = {character: chr(rank) for rank, character in enumerate(_SYMBOLS + _LETTERS, start=1)}
_ASCII = str.maketrans(_PRIMARY)


@cache
def collation_key(text: str) -> tuple[str, str, str]:
    """A key by which `sorted` orders as ``localeCompare(…, "en")`` does.

    Letters are compared first, then accents, then case (lower before upper).
    """
    if text.isascii() and text.isprintable():
        return text.lower().translate(_ASCII), "", text.swapcase()
    primary = accents = case = ""
    for character in unicodedata.normalize("NFD", text):
        lower = character.lower()
        if unicodedata.combining(character):
            accents += character
            continue
        rank = _PRIMARY.get(lower)
        if rank is None:
            if character < " " or character == "\x7f":
                continue  # control characters have no weight
            rank = chr(1000 + ord(lower[0]))
        primary += rank
        accents += "\0"
        case += character.swapcase()
    return primary, accents.rstrip("\0"), case
