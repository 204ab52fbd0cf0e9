"""Inputs made of kept ones: cut, doubled, spliced, and sprinkled with what parsers trip over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

__all__ = ["mutated"]

_ODD = [
    *(b"\0", b"\n", b"\r", b"\t", b" ", b"[", b"]", b"{", b"}", b'"', b"'", b"\\", b"/", b":"),
    *(b"@", b"#", b"?", b"%", b"=", b",", b"-", b"+", b".", b"..", b"../", b"$", b"${", b"~"),
    *(b"\xff", b"\xc2\xb2", b"\xd9\xa3", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xed\xa0\x80"),
    *(b"null", b"true", b"{}", b"[]", b'""', b"0", b"-1", b"1e999", b"3.0", b"NaN", b"1" * 5000),
    *(b"http://[", b"http://a:99999/", b"http://a..b/", b"git+ssh://", b"file:", b"npm:a@"),
    *(b"[" * 3000, b"{" * 3000, b'{"a":' * 2000, b"=" * 300, b"a" * 300, b"sha512-", b"sha1-"),
    *(b"__proto__", b"node_modules/", b"x=", b"9 path=\n", b"Content-Length: 5\r\n"),
    *(b'"\\ud800"', b"%00", b"%2f", b"<<<<<<<", b"';", b"0x10", b"1_0", b"\x1f\x8b", b"\x80"),
]


def mutated(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One input."""
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.choice([0, 1, 1, 2, 3, 8])):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice([1, 1, 2, 8, 64]))
        match draw.randrange(6):
            case 0:
                data[at:at] = draw.choice(_ODD)
            case 1:
                data[at:end] = draw.choice(_ODD)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * draw.choice([1, 2, 50])
            case 4:
                other = draw.choice(seeds)
                start = draw.randrange(len(other) + 1)
                data[at:end] = other[start : start + 64]
            case _:
                if at < len(data):
                    data[at] = draw.randrange(256)
    return bytes(data)
