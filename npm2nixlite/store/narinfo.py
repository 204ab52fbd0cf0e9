"""Narinfos: what a binary cache says about a store path, one ``Field: value`` a line."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from npm2nixlite.errors import InputError
from npm2nixlite.store import base32
from npm2nixlite.store.path import StorePath

__all__ = ["NarInfo", "parse", "render"]

_SHA256_SIZE = 32
_ONCE = frozenset(
    {
        "StorePath",
        "URL",
        "Compression",
        "FileHash",
        "FileSize",
        "NarHash",
        "NarSize",
        "References",
        "Deriver",
        "CA",
    }
)
_KNOWN = _ONCE | {"Sig"}
_NO_DERIVER = "unknown-deriver"
_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NarInfo:
    """A store path, what its NAR is, and where in the cache that lies.

    Attributes:
        path: The store path.
        url: The NAR's address, relative to the cache's own.
        nar_hash: The sha256 digest of the NAR.
        nar_size: Its size in bytes.
        compression: How the file at ``url`` is compressed; ``none``, ``xz``, ``zstd`` and others.
        file_hash: The sha256 digest of the file at ``url``; ``None`` where the cache gives none.
        file_size: Its size in bytes, likewise.
        references: The store paths it refers to, in Nix's order.
        deriver: The derivation that made it, where known.
        signatures: Each ``KEY-NAME:BASE64``.
        ca: How its content is addressed, as `npm2nixlite.store.path.content_address` writes it;
            empty for a path that is input-addressed.
        others: Fields that are not known here, and their values.
    """

    path: StorePath
    url: str
    nar_hash: bytes
    nar_size: int
    compression: str = "none"
    file_hash: bytes | None = None
    file_size: int | None = None
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    signatures: tuple[str, ...] = ()
    ca: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The narinfo's own address, relative to the cache's."""
        return f"{self.path.digest}.narinfo"


def render(info: NarInfo) -> str:
    """Write a narinfo, field by field in Nix's order."""
    lines = [
        f"StorePath: {info.path}",
        f"URL: {info.url}",
        f"Compression: {info.compression}",
    ]
    if info.file_hash is not None:
        lines.append(f"FileHash: sha256:{base32.encode(info.file_hash)}")
    if info.file_size is not None:
        lines.append(f"FileSize: {info.file_size}")
    lines += [
        f"NarHash: sha256:{base32.encode(info.nar_hash)}",
        f"NarSize: {info.nar_size}",
        f"References: {' '.join(path.base_name for path in info.references)}",
    ]
    if info.deriver is not None:
        lines.append(f"Deriver: {info.deriver.base_name}")
    lines += (f"Sig: {signature}" for signature in info.signatures)
    if info.ca:
        lines.append(f"CA: {info.ca}")
    lines += (f"{name}: {value}" for name, value in info.others)
    return "".join(f"{line}\n" for line in lines)


def parse(text: str, *, where: str = "narinfo") -> NarInfo:
    """Read a narinfo; fields that are not known here are kept as they are.

    Args:
        text: The whole file.
        where: Its address, for the errors.

    Raises:
        InputError: A line is no field, a field is given twice, missing, or malformed.
    """
    fields: dict[str, list[str]] = {}
    for line in text.removesuffix("\n").split("\n"):
        name, colon, value = line.partition(":")
        if not colon or value[:1] not in {"", " "}:
            raise InputError(f"line {line!r} is not 'Field: value'", where=where)
        values = fields.setdefault(name, [])
        values.append(value.strip(" "))
        if len(values) > 1 and name in _ONCE:
            raise InputError(f"{name} is given twice", where=where)
    try:
        return _narinfo(fields)
    except InputError as error:
        raise error.within(where) from None


def _narinfo(fields: dict[str, list[str]]) -> NarInfo:
    def needed(name: str) -> str:
        if value := optional(name):
            return value
        raise InputError(f"{name} is missing")

    def optional(name: str) -> str:
        return fields.get(name, [""])[0]

    path = StorePath.parse(needed("StorePath"))
    deriver = optional("Deriver")
    file_hash = optional("FileHash")
    file_size = optional("FileSize")
    return NarInfo(
        path=path,
        url=needed("URL"),
        nar_hash=_sha256("NarHash", needed("NarHash")),
        nar_size=_number("NarSize", needed("NarSize")),
        compression=optional("Compression") or "bzip2",  # Nix's default, from its first caches
        file_hash=_sha256("FileHash", file_hash) if file_hash else None,
        file_size=_number("FileSize", file_size) if file_size else None,
        references=tuple(
            StorePath.parse_base_name(name, path.store_dir)
            for name in optional("References").split()
        ),
        deriver=StorePath.parse_base_name(deriver, path.store_dir)
        if deriver and deriver != _NO_DERIVER
        else None,
        signatures=tuple(fields.get("Sig", [])),
        ca=optional("CA"),
        others=tuple(
            (name, value)
            for name, values in fields.items()
            for value in values
            if name not in _KNOWN or value == _NO_DERIVER
        ),
    )


def _sha256(field: str, text: str) -> bytes:
    """Nix tells the three ways of writing a digest apart by their lengths."""
    algorithm, _, value = text.replace("sha256-", "sha256:", 1).partition(":")
    try:
        match len(value):
            case 64:
                digest = bytes.fromhex(value)
            case 52:
                digest = base32.decode(value)
            case _:
                digest = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error, InputError):
        digest = b""
    if algorithm != "sha256" or len(digest) != _SHA256_SIZE:
        raise InputError(f"{field} {text!r} is no sha256 hash")
    return digest


def _number(field: str, text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise InputError(f"{field} {text!r} is no number")
    return int(text)
