"""What the local store's database says of paths, as any version of ``nix path-info`` tells it.

Nix 2.8 gives a list of objects, 2.19 and later an object by path; since 2.33 it may also be an
object with a version, in which paths have no directory and hashes are objects of their own.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.nix.command import batches, run
from npm2nixlite.store import base32
from npm2nixlite.store.path import StorePath
from npm2nixlite.store.valid_path import ValidPath, references_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["closure", "parse_path_info", "roots", "store_path"]

Json = Any
"""What `json` reads; each use of it below may fail, and is caught in `parse_path_info`."""

_NIX = ("nix", "--extra-experimental-features", "nix-command")
_METHODS = {"text": "text:", "flat": "fixed:", "nar": "fixed:r:", "git": "fixed:git:"}
_DIGEST_SIZE = 32


def store_path(given: Path, store_dir: str) -> str | None:
    """The store path that something is, lies in, or links to, such as ``./result/bin/x``.

    Args:
        given: Any path.
        store_dir: The logical store directory.

    Returns:
        None where it has nothing to do with the store.
    """
    for target in (os.path.realpath(given), os.path.abspath(given)):  # noqa: PTH100 (no links)
        below = target.removeprefix(f"{store_dir}/")
        if below != target:
            return f"{store_dir}/{below.partition('/')[0]}"
    return None


async def closure(paths: Sequence[str], *, recursive: bool = True) -> list[ValidPath]:
    """Store paths with all that they need, each after what it refers to.

    Args:
        paths: In the local store.
        recursive: Whether to add what they need.

    Raises:
        InputError: One is not in the local store.
        BuildError: There is no Nix, it cannot open its store, or its files are elsewhere.
    """
    absent = [
        path
        for batch in batches(paths)
        for path in await run(["nix-store", "--check-validity", "--print-invalid", *batch])
    ]
    if absent:
        raise InputError(
            "there is no such path in the local Nix store",
            where=absent[0],
            hint="build it first, with nix-build or nix build",
        )
    found: dict[StorePath, ValidPath] = {}
    for batch in batches(paths):
        flags = ["--recursive"] if recursive else []
        lines = await _path_info([*flags, *batch])
        for item in parse_path_info("\n".join(lines), await roots()):
            found.setdefault(item.store_path, item)
    return references_first(found.values())


async def _path_info(arguments: Sequence[str]) -> list[str]:
    ask = [*_NIX, "path-info", "--json"]
    try:
        return await run([*ask, *arguments])
    except BuildError as error:
        if "json-format" not in error.what:
            raise
        return await run([*ask, "--json-format", "2", *arguments])  # without it, 2.34 only warns


def parse_path_info(text: str, roots: Sequence[Path] = (Path("/"),)) -> Iterator[ValidPath]:
    """Read the JSON of ``nix path-info``.

    Args:
        text: What it wrote.
        roots: Where the store's directory may be below, the likelier first.

    Raises:
        BuildError: It is of no form that is known here.
    """
    try:
        for path, fields in _entries(json.loads(text)):
            yield _valid_path(path, fields, roots)
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise BuildError(
            f"its JSON is of a form that is not known here: {error}",
            where="nix path-info",
            hint="report the output of 'nix path-info --json' for one path",
        ) from error


def _entries(content: Json) -> Iterator[tuple[StorePath, Mapping[str, Json]]]:
    if isinstance(content, list):
        for fields in content:
            yield StorePath.parse(fields["path"]), fields
        return
    store_dir = ""
    if "version" in content and isinstance(content.get("info"), dict):
        store_dir = content.get("storeDir") or "/nix/store"
        content = content["info"]
    for name, fields in content.items():
        yield _path(name, store_dir), {"storeDir": store_dir, **fields}


def _path(text: str, store_dir: str) -> StorePath:
    if text.startswith("/"):
        return StorePath.parse(text)
    return StorePath.parse_base_name(text, store_dir or "/nix/store")


def _valid_path(path: StorePath, fields: Mapping[str, Json], roots: Sequence[Path]) -> ValidPath:
    deriver = fields.get("deriver")
    ca = fields.get("ca") or ""
    return ValidPath(
        store_path=path,
        path=_place(path, roots),
        nar_hash=_sha256(fields["narHash"]),
        nar_size=int(fields["narSize"]),
        references=tuple(sorted(_path(name, path.store_dir) for name in fields["references"])),
        deriver=_path(deriver, path.store_dir) if deriver else None,
        signatures=tuple(sorted(map(_signature, fields.get("signatures") or ()))),
        content_address=ca if isinstance(ca, str) else _content_address(ca),
    )


def _place(path: StorePath, roots: Sequence[Path]) -> Path:
    for root in roots:
        place = root / str(path).lstrip("/")
        if os.path.lexists(place):
            return place
    return Path(str(path))  # reading it tells that it is not there


def _sha256(given: Json) -> bytes:
    algorithm, digest = _digest(given)
    if algorithm != "sha256" or len(digest) != _DIGEST_SIZE:
        raise ValueError(f"{given!r} is no sha256 hash")
    return digest


def _digest(given: Json) -> tuple[str, bytes]:
    """An algorithm and a digest, of an SRI, ``ALGORITHM:BASE32``, or an object."""
    if isinstance(given, dict):
        algorithm, text = given["algorithm"], given["hash"]
        return algorithm, _decoded(text, given.get("format") or "base64")
    algorithm, separator, text = given.partition("-" if "-" in given else ":")
    return algorithm, _decoded(text, "base64" if separator == "-" else "nix32")


def _decoded(text: str, form: str) -> bytes:
    match form:
        case "base64":
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"{text!r} is not base 64") from error
        case "base16":
            return bytes.fromhex(text)
        case _ if len(text) % 16 == 0 and len(text) in {40, 64, 128}:
            return bytes.fromhex(text)
        case _:
            return base32.decode(text)


def _content_address(fields: Mapping[str, Json]) -> str:
    algorithm, digest = _digest(fields["hash"])
    return f"{_METHODS[fields['method']]}{algorithm}:{base32.encode(digest)}"


def _signature(given: Json) -> str:
    return given if isinstance(given, str) else f"{given['keyName']}:{given['sig']}"


async def roots() -> list[Path]:
    """Where the local store's directory may be below; a store may have a root of its own."""
    store = os.environ.get("NIX_REMOTE") or await _configured_store()
    root = store if store.startswith("/") else ""
    query = urlsplit(store).query if not root else ""
    root = root or parse_qs(query).get("root", [""])[0]
    return [*([Path(root)] if root else []), Path("/")]


async def _configured_store() -> str:
    """The setting ``store``; its command has another name in newer versions."""
    for command in (["config", "show", "--json"], ["show-config", "--json"]):
        try:
            lines = await run([*_NIX, *command])
        except BuildError:
            continue
        value = json.loads("\n".join(lines)).get("store", {}).get("value", "")
        return str(value)
    return ""
