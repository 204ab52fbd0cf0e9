"""Store paths: where Nix puts a thing of a given name and content.

A path's digest is a hash over *how* its content is addressed (flat, recursive, text), the content's
hash, the store directory and the name; so it can be computed without the content at hand. The
rules are those of the Nix manual's chapter "Complete Store Path Calculation".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.store import base32

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from npm2nixlite.integrity import Integrity

__all__ = [
    "DEFAULT_STORE_DIR",
    "StorePath",
    "check_name",
    "content_address",
    "fixed_output_path",
    "source_path",
    "text_path",
]

DEFAULT_STORE_DIR = "/nix/store"

_DIGEST_SIZE = 20
_LONGEST_NAME = 211  # with the digest and ".narinfo" and ".lock" beside it, a file name of 255
_NAME = re.compile(r"(?!\.{1,2}(?:-|$))[0-9A-Za-z+\-._?=]+")
_NIX_ALGORITHMS = frozenset({"sha1", "sha256", "sha512"})


@dataclass(frozen=True, order=True, slots=True)
class StorePath:
    """A path in a Nix store; sorts as Nix sorts references.

    Attributes:
        digest: Its 32 characters in Nix's base 32.
        name: What follows the digest and a dash.
        store_dir: The logical store directory, usually ``/nix/store``.
    """

    digest: str
    name: str
    store_dir: str = DEFAULT_STORE_DIR

    @classmethod
    def parse(cls, text: str) -> StorePath:
        """Read an absolute store path.

        Raises:
            InputError: ``text`` is not ``STORE-DIR/DIGEST-NAME``.
        """
        store_dir, _, base_name = text.rpartition("/")
        if not store_dir.startswith("/"):
            raise InputError(f"{text!r} is not an absolute store path")
        return cls.parse_base_name(base_name, store_dir)

    @classmethod
    def parse_base_name(cls, text: str, store_dir: str = DEFAULT_STORE_DIR) -> StorePath:
        """Read ``DIGEST-NAME``, as narinfos write references.

        Raises:
            InputError: ``text`` has another shape.
        """
        digest, dash, name = text.partition("-")
        if not dash or len(digest) != base32.encoded_length(_DIGEST_SIZE):
            raise InputError(f"{text!r} is not the base name of a store path")
        base32.decode(digest)
        check_name(name)
        return cls(digest, name, store_dir)

    @property
    def base_name(self) -> str:
        """The path without its store directory."""
        return f"{self.digest}-{self.name}"

    def __str__(self) -> str:
        return f"{self.store_dir}/{self.base_name}"


def check_name(name: str) -> None:
    """Make sure that Nix takes ``name`` as a store path's name.

    ``.`` and ``..``, alone or before a dash, are refused by newer versions only, so here too.

    Raises:
        InputError: It does not.
    """
    if not 0 < len(name) <= _LONGEST_NAME:
        raise InputError(
            f"{name!r} cannot name a store path",
            hint=f"a name has 1 to {_LONGEST_NAME} characters; this one has {len(name)}",
        )
    if _NAME.fullmatch(name) is None:
        raise InputError(
            f"{name!r} cannot name a store path",
            hint="letters, digits and +-._?= are allowed, but neither . nor .. before a dash",
        )


def fixed_output_path(
    name: str,
    integrity: Integrity,
    *,
    recursive: bool = False,
    store_dir: str = DEFAULT_STORE_DIR,
) -> StorePath:
    """Where a fixed-output derivation's result lies.

    Args:
        name: The derivation's name.
        integrity: The hash of the file's bytes, or of its NAR if ``recursive``.
        recursive: Whether the hash is over the NAR (``outputHashMode = "recursive"``).
        store_dir: The logical store directory.

    Raises:
        InputError: The name cannot be a store path's, or Nix knows no such hash algorithm.
    """
    _check_algorithm(integrity)
    if recursive and integrity.algorithm == "sha256":
        return source_path(name, integrity.digest, store_dir=store_dir)
    method = "r:" if recursive else ""
    inner = f"fixed:out:{method}{integrity.algorithm}:{integrity.hex}:"
    return _store_path("output:out", _sha256(inner.encode()), name, store_dir)


def source_path(
    name: str,
    nar_sha256: bytes,
    references: Collection[StorePath] = (),
    *,
    refers_to_itself: bool = False,
    store_dir: str = DEFAULT_STORE_DIR,
) -> StorePath:
    """Where ``nix-store --add`` and content-addressed copies put a tree with this NAR hash.

    Args:
        name: The path's name.
        nar_sha256: The digest of the NAR (with ``refers_to_itself``: with the own digest zeroed).
        references: The other store paths it refers to, all in ``store_dir``.
        refers_to_itself: Whether it refers to its own path.
        store_dir: The logical store directory.

    Raises:
        InputError: The name cannot be a store path's.
    """
    kind = ":".join(["source", *_written(references), *(["self"] if refers_to_itself else [])])
    return _store_path(kind, nar_sha256, name, store_dir)


def text_path(
    name: str,
    sha256: bytes,
    references: Collection[StorePath] = (),
    *,
    store_dir: str = DEFAULT_STORE_DIR,
) -> StorePath:
    """Where ``builtins.toFile`` and derivations themselves lie.

    Args:
        name: The path's name.
        sha256: The digest of the file's bytes.
        references: The store paths the text mentions, all in ``store_dir``.
        store_dir: The logical store directory.

    Raises:
        InputError: The name cannot be a store path's.
    """
    return _store_path(":".join(["text", *_written(references)]), sha256, name, store_dir)


def content_address(integrity: Integrity, *, recursive: bool = False) -> str:
    """A narinfo's ``CA`` for a fixed output: why Nix needs to trust nobody for this path.

    Raises:
        InputError: Nix knows no such hash algorithm.
    """
    _check_algorithm(integrity)
    method = "r:" if recursive else ""
    return f"fixed:{method}{integrity.algorithm}:{base32.encode(integrity.digest)}"


def _check_algorithm(integrity: Integrity) -> None:
    if integrity.algorithm not in _NIX_ALGORITHMS:
        raise InputError(
            f"Nix has no {integrity.algorithm}", hint="hash the content again, with sha512"
        )


def _written(references: Iterable[StorePath]) -> list[str]:
    return [str(reference) for reference in sorted(set(references))]


def _store_path(kind: str, digest: bytes, name: str, store_dir: str) -> StorePath:
    check_name(name)
    preimage = f"{kind}:sha256:{digest.hex()}:{store_dir}:{name}"
    return StorePath(base32.encode(_folded(_sha256(preimage.encode()))), name, store_dir)


def _folded(digest: bytes) -> bytes:
    """Nix shortens a hash by XOR-ing what is too long onto the front."""
    folded = bytearray(_DIGEST_SIZE)
    for position, byte in enumerate(digest):
        folded[position % _DIGEST_SIZE] ^= byte
    return bytes(folded)


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
