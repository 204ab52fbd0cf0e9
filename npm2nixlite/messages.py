"""How messages show numbers, sizes and addresses."""

from __future__ import annotations

import re

__all__ = ["anonymous", "human_bytes", "plural", "printable", "without_credentials"]

_USER = re.compile(r"(?<=://)[^/?#\s'\"]*@")
# All but ends of lines and tabs; and what turns the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plural(number: int, one: str, many: str = "") -> str:
    """A number of things, with thousands separated.

    Args:
        number: How many.
        one: What one of them is called.
        many: What several are called; ``one`` with an "s" where not given.

    >>> plural(1, "package"), plural(2_000, "package"), plural(0, "entry", "entries")
    ('1 package', '2,000 packages', '0 entries')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def human_bytes(count: float) -> str:
    """A number of bytes in decimal units.

    >>> human_bytes(244_123_456)
    '244.1 MB'
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def anonymous(text: str) -> str:
    """What another program said, with the addresses in it as messages may show them.

    >>> anonymous("cannot connect to 'ssh-ng://me:secret@host/x'")
    "cannot connect to 'ssh-ng://host/x'"
    """
    return _USER.sub("", text)


def printable(text: str) -> str:
    r"""A text of others (a server, a build) as a terminal may be given it: signs, no commands.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def without_credentials(address: str) -> str:
    """An address as messages may show it: without user name and password.

    >>> without_credentials("https://me:secret@cache.example/x")
    'https://cache.example/x'
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    end = min((rest.find(sign) for sign in "/?#" if sign in rest), default=len(rest))
    return f"{scheme}{separator}{rest[:end].rpartition('@')[2]}{rest[end:]}"
