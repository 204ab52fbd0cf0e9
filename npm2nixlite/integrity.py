"""Integrity values: Subresource Integrity strings, as npm's ``ssri`` reads them.

A lock's ``integrity`` is one or more ``ALGORITHM-BASE64[?OPTIONS]``, separated by white space.
Standard library only: it also runs inside the Nix sandbox.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["ALGORITHMS", "Integrity", "check_integrity", "parse_integrity"]

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
"""The algorithms npm accepts, weakest first."""

_HASH = re.compile(r"(?P<algorithm>[a-z0-9]+)-(?P<digest>[A-Za-z0-9+/]+={0,2})(?:\?[\x21-\x7e]*)?")


@dataclass(frozen=True, order=True, slots=True)
class Integrity:
    """One hash of a file's bytes.

    Attributes:
        strength: Position of the algorithm in `ALGORITHMS`; orders weakest first.
        digest: The raw digest.
    """

    strength: int
    digest: bytes

    @property
    def algorithm(self) -> str:
        """The algorithm's name, as in `ALGORITHMS` and `hashlib`."""
        return ALGORITHMS[self.strength]

    @classmethod
    def of(cls, algorithm: str, digest: bytes) -> Integrity:
        """The integrity of a known digest; ``algorithm`` is one of `ALGORITHMS`."""
        return cls(ALGORITHMS.index(algorithm), digest)

    @property
    def hex(self) -> str:
        """The digest in base 16, lower case."""
        return self.digest.hex()

    def __str__(self) -> str:
        return f"{self.algorithm}-{base64.b64encode(self.digest).decode()}"


def parse_integrity(text: str) -> frozenset[Integrity]:
    """Read a lock's ``integrity`` field.

    Several hashes of one algorithm would each be an acceptable answer to npm; here every hash is
    a demand, because one FOD has one content.

    Args:
        text: One or more hashes separated by white space; ``sha1-…`` to ``sha512-…``.

    Raises:
        InputError: A part is no hash, or has the wrong length for its algorithm, or no part has
            an algorithm npm accepts.
    """
    hashes = frozenset(filter(None, map(_parse_hash, text.split())))
    if not hashes:
        raise InputError(
            f"integrity {text!r} names no hash", hint=f"npm knows {', '.join(ALGORITHMS)}"
        )
    return hashes


def check_integrity(
    demanded: Collection[Integrity], computed: Mapping[str, Integrity], hint: str = ""
) -> None:
    """Hold the hashes of some bytes against every demanded one.

    Args:
        demanded: Every one must hold.
        computed: Algorithm → hash, of every algorithm that is demanded.
        hint: What to do where one does not.

    Raises:
        FetchError: One differs; the message names both.
    """
    for integrity in sorted(demanded, reverse=True):
        if computed[integrity.algorithm] != integrity:
            raise FetchError(
                f"wrong content: expected {integrity}, got {computed[integrity.algorithm]}",
                hint=hint,
            )


def _parse_hash(text: str) -> Integrity | None:
    match = _HASH.fullmatch(text)
    if match is None:
        raise InputError(f"malformed integrity {text!r}", hint="expected ALGORITHM-BASE64")
    algorithm = match["algorithm"]
    if algorithm not in ALGORITHMS:
        return None  # ssri drops what it does not know, and judges by what is left
    try:
        digest = base64.b64decode(match["digest"], validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InputError(
            f"malformed integrity {text!r}", hint=f"the digest has not the length of a {algorithm}"
        )
    return Integrity.of(algorithm, digest)
