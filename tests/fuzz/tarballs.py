"""Tar archives as an attacker would write them: near enough to right ones to get read."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

__all__ = ["tarball"]

_NAMES = [
    *["package/index.js", "package/a", "package/lib/a.js", "package/lib/b.js", "package/A"] * 4,
    *["package/.gitignore", "package/.npmignore", "package/lib/.gitignore", "package/a/b"] * 2,
    "package/./a",
    "package//a",
    "package/lib/./.npmignore",
    "package/a/.",
    "package/a/",
    "package/.",
    "package",
    "a",
    "other/a",
    "/package/a",
    "package/../a",
    "../a",
    "package/C:/x",
    "package/a:b",
    "package/a:b:c/d",
    "package/c:../x",
    "package/\\x",
    "package/\\\\host\\share\\x",
    "package//?/C:/x",
    "package/x\\y",
    "C:/package/a",
    "C:a/b",
    "package/\u00e9",
    "package/e\u0301",
    "package/\u2028x",
    "package/a\rb",
    "package/a\nb",
    "package/ a ",
    "package/-",
    "package/" + "d/" * 30 + "f",
    "package/" + "n" * 120,
    "package/" + "n" * 300,
    "",
    " ",
    ".",
    "..",
]
_TYPES = b"0" * 60 + b"\0" * 4 + b"5" * 3 + b"xxxxxxLLLKgggg11227D" + b"346XNAIMSV\xff8 z"
_KEYS = [
    *["path"] * 8,
    *["size"] * 3,
    "linkpath",
    "mode",
    "mtime",
    "uid",
    "type",
    "comment",
    "SCHILY.dev",
    "",
]
_VALUES = [
    "0",
    "5",
    "512",
    "",
    "-5",
    "1e1",
    "0x5",
    " 5",
    "5 ",
    "abc",
    "\u00b2",
    "5" * 30,
    "5" * 5000,
]


def tarball(draw: random.Random) -> bytes:
    """One archive, gzipped or not."""
    parts: list[bytes] = []
    for _ in range(draw.choice([1, 1, 2, 2, 3, 4, 6])):
        if draw.random() < 0.04:
            parts.append(bytes(512))
        parts.append(_member(draw))
    parts.append(bytes(draw.choice([0, 512, 1024, 1024, 1024, 10240])))
    if draw.random() < 0.05:
        parts.append(_member(draw))
    content = b"".join(parts)
    if draw.random() < 0.1:
        content = content[: draw.randrange(len(content) + 1)]
    if draw.random() < 0.1:
        content = _damaged(draw, content)
    return _packed(draw, content)


def _packed(draw: random.Random, content: bytes) -> bytes:
    roll = draw.random()
    if roll < 0.3:
        return content
    level = draw.choice([0, 1, 9])
    packed = gzip.compress(content, level, mtime=0)
    if roll < 0.8:
        return packed
    if roll < 0.85:
        return packed[: draw.randrange(len(packed))]
    if roll < 0.9:
        return _damaged(draw, packed)
    if roll < 0.95:
        return packed + draw.choice(
            [b"\0", b"garbage", bytes(600), b"\0garbage", b"\x1f", b"\x1f\x8b", gzip.compress(b"x")]
        )
    at = draw.randrange(len(content) + 1)
    if draw.random() < 0.2:
        return zlib.compress(content)
    return gzip.compress(content[:at], mtime=0) + gzip.compress(content[at:], mtime=0)


def _damaged(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 5]) if damaged else 0):
        at = draw.randrange(len(damaged))
        damaged[at] = draw.choice([0, 1, 0x20, 0x30, 0x80, 0xFF, draw.randrange(256)])
    return bytes(damaged)


def _member(draw: random.Random) -> bytes:
    """A header and its body, both mostly right."""
    code = bytes([draw.choice(_TYPES)])
    body = _body(draw, code)
    size = len(body)
    if draw.random() < 0.04:
        size = max(0, size + draw.choice([-1, 1, -512, 512, 5, 1024]))
    header = _header(draw, code, size)
    padding = -len(body) % 512
    if draw.random() < 0.03:
        padding = draw.choice([0, 512])
    return header + body + bytes(padding)


def _body(draw: random.Random, code: bytes) -> bytes:
    if code in b"xXg":
        return b"".join(_record(draw) for _ in range(draw.choice([0, 1, 1, 1, 2, 3])))
    if code in b"LNK":
        return _name(draw).encode() + draw.choice([b"", *[b"\0"] * 5, b"\0junk", b"\0x\ny"])
    if draw.random() < 0.05:
        return _header(draw, b"0", 0)  # another entry, for who loses count
    if code in b"0\x007":
        return draw.choice([b"", b"good", b"EVIL", b"x" * 511, b"x" * 512, b"x" * 513, b"y" * 2000])
    return b"" if draw.random() < 0.8 else b"z" * draw.choice([1, 512, 700])


def _record(draw: random.Random) -> bytes:
    key = draw.choice(_KEYS)
    value = _name(draw) if key in ("path", "linkpath") else draw.choice(_VALUES)
    if draw.random() < 0.05:
        value += draw.choice(["\0", "\0x", "\0x\ry", "=", "\n"])
    rest = f" {key}={value}\n".encode()
    if draw.random() < 0.03:
        rest = _damaged(draw, rest)
    length = len(rest) + len(str(len(rest)))
    if len(str(length)) + len(rest) != length:
        length += 1
    stated = str(length)
    if draw.random() < 0.08:
        stated = draw.choice(
            [
                f"0{length - 1}",
                f"+{length}",
                f" {length + 1}",
                f"{length + 1}",
                "-5",
                "\u00b2",
                "5" * 5000,
                f"\u00a0{length + 2}",
                f"{length}x",
                "",
            ]
        )
    return stated.encode() + rest


def _name(draw: random.Random) -> str:
    if draw.random() < 0.02:
        return "package/" + "d/" * draw.choice([1022, 1023, 1024, 1025]) + "f"
    return draw.choice(_NAMES)


def _header(draw: random.Random, code: bytes, size: int) -> bytes:  # noqa: C901 (a list of fields)
    block = bytearray(512)

    def put(at: int, length: int, value: bytes) -> None:
        block[at : at + length] = value[:length].ljust(length, b"\0")

    name = draw.choice(_NAMES).encode()
    if draw.random() < 0.03:
        name += draw.choice([b"\0x", b"\0x\ny", b"\0\ry", b"\xff", b"\xe2\x82"])
    put(0, 100, name)
    put(100, 8, _number(draw, draw.choice([0o644, 0o755, 0o600, 0, 0o4755]), 8))
    put(108, 8, _number(draw, 0, 8))
    put(116, 8, _number(draw, 0, 8))
    put(124, 12, _number(draw, size, 12))
    put(136, 12, _number(draw, 0o3720242021, 12))
    put(156, 1, code)
    if code in b"12" or draw.random() < 0.02:
        put(157, 100, draw.choice([*[b"package/a", b"a", b"../x", b"/etc/x"] * 3, b"", b"\0x\ny"]))
    magic = draw.random()
    if magic < 0.7:
        put(257, 8, b"ustar\x0000")
    elif magic < 0.85:
        put(257, 8, b"ustar  \0")
    if draw.random() < 0.07:
        long = draw.choice(
            [b"package", b"package/lib", b"p" * 130, b"p/" * 77, b"\0x\ny", b"x\0\ny"]
        )
        put(345, draw.choice([130, 155]), long)
    for at, length in ((329, 8), (337, 8), (476, 12), (488, 12)):
        if draw.random() < 0.03:
            put(at, length, _number(draw, 5, length))
    if draw.random() < 0.02:
        block[475] = draw.choice(b"\0x")
    if draw.random() < 0.02:
        at = draw.randrange(512)
        block[at] = draw.choice([0, 0x2B, 0x2D, 0x5F, 0x6F, 0x80, 0xFF])
    block[148:156] = b" " * 8
    total = sum(block)
    if draw.random() < 0.01:
        total += draw.choice([1, -1, 65521])
    block[148:156] = draw.choice(
        [
            *[f"{total:06o}\0 ".encode()] * 40,
            *[f"{total:07o}\0".encode()] * 5,
            f"{total:08o}".encode(),
            f"{total:6o}  ".encode(),
            f"0o{total:o}\0\0\0".encode()[:8],
            f"{total >> 9:o}_{total & 511:03o}\0\0\0\0".encode()[:8],
            f"+{total:o}\0\0\0".encode()[:8],
            b"\x80" + total.to_bytes(7, "big"),
        ]
    )
    return bytes(block)


def _number(draw: random.Random, value: int, length: int) -> bytes:
    """A number field, seldom an unusual one."""
    if draw.random() < 0.97:
        return f"{value:0{length - 1}o}\0".encode()
    return draw.choice(
        [
            f"{value:o} ".encode(),
            f"{value:{length}o}".encode(),
            f"{value:0{length}o}".encode(),
            f"0o{value:o}".encode(),
            f"0_{value:o}".encode(),
            f"+{value:o}".encode(),
            f"-{value:o}".encode(),
            f"-{value + 1:o}".encode(),
            f"\t{value:o}".encode(),
            f"{value:o}8".encode(),
            f"{value:o}\0007".encode(),
            f"\xa0{value:o}".encode(),
            b"",
            b"abc",
            b"\0007",
            b"\x80" + value.to_bytes(length - 1, "big"),
            b"\x80" + b"\xff" * (length - 1),
            b"\x81" + value.to_bytes(length - 1, "big"),
            b"\xff" * length,
            b"\xff" * (length - 1) + b"\0",
            b"\xff" + bytes(length - 1),
            b"\xc3\xa9",
        ]
    )
