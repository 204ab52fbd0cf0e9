"""Ed25519 signatures of store paths, in Nix's key format ``NAME:BASE64``."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.files import read_file
from npm2nixlite.store import base32

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    from npm2nixlite.store.narinfo import NarInfo

__all__ = ["PublicKey", "SecretKey", "fingerprint", "read_secret_key", "sign"]

_SEED_SIZE = 32
_PUBLIC_SIZE = 32


def fingerprint(info: NarInfo) -> str:
    """What a signature is over: the path, its NAR's hash and size, and its references."""
    references = ",".join(map(str, info.references))
    nar_hash = f"sha256:{base32.encode(info.nar_hash)}"
    return f"1;{info.path};{nar_hash};{info.nar_size};{references}"


def sign(info: NarInfo, key: SecretKey) -> NarInfo:
    """The same narinfo with one more signature; they are in Nix's order."""
    signatures = {*info.signatures, key.sign(fingerprint(info))}
    return replace(info, signatures=tuple(sorted(signatures)))


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a machine trusts, as ``trusted-public-keys`` writes it.

    Attributes:
        name: The key's name; a signature is looked up by it.
        key: The key itself.
    """

    name: str
    key: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read ``NAME:BASE64``.

        Raises:
            InputError: ``text`` is no public key.
        """
        name, raw = _key(text, "public", _PUBLIC_SIZE)
        return cls(name, _ed25519_public(raw))

    def verifies(self, info: NarInfo) -> bool:
        """Whether one of the narinfo's signatures is by this key, and right."""
        from cryptography.exceptions import InvalidSignature

        signed = fingerprint(info).encode()
        for signature in info.signatures:
            name, _, encoded = signature.partition(":")
            if name == self.name:
                try:
                    self.key.verify(base64.b64decode(encoded, validate=True), signed)
                except (InvalidSignature, binascii.Error):
                    continue
                return True
        return False

    def __str__(self) -> str:
        return f"{self.name}:{base64.b64encode(self.key.public_bytes_raw()).decode()}"


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """What a cache signs with, as ``nix key generate-secret`` writes it; never shown.

    Attributes:
        name: The key's name.
        key: The key itself.
    """

    name: str
    key: Ed25519PrivateKey

    @classmethod
    def parse(cls, text: str) -> SecretKey:
        """Read ``NAME:BASE64``, where the base 64 is of the seed and the public key.

        Raises:
            InputError: ``text`` is no secret key; the message does not repeat it.
        """
        name, raw = _key(text, "secret", _SEED_SIZE + _PUBLIC_SIZE)
        key = _ed25519_secret(raw[:_SEED_SIZE])
        if key.public_key().public_bytes_raw() != raw[_SEED_SIZE:]:
            raise InputError(f"the two halves of secret key {name!r} do not belong together")
        return cls(name, key)

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self.name, self.key.public_key())

    def sign(self, text: str) -> str:
        """A signature of ``text``, as a narinfo's ``Sig``."""
        return f"{self.name}:{base64.b64encode(self.key.sign(text.encode())).decode()}"


def read_secret_key(file: Path) -> SecretKey:
    """Read the file ``nix key generate-secret`` or ``nix-store --generate-binary-cache-key`` made.

    Raises:
        InputError: The file cannot be read or holds no secret key.
    """
    try:
        return SecretKey.parse(read_file(file, 1 << 16).decode("ascii").strip())
    except InputError as error:
        raise error.within(str(file)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(
            f"the signing key cannot be read: {reason}",
            where=str(file),
            hint="make one with: nix key generate-secret --key-name NAME > FILE",
        ) from None


def _key(text: str, kind: str, size: int) -> tuple[str, bytes]:
    name, _, encoded = text.partition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if not name or len(raw) != size:
        raise InputError(
            f"this is no {kind} signing key", hint=f"expected NAME:BASE64, of {size} bytes"
        )
    return name, raw


def _ed25519_secret(seed: bytes) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise _missing() from None
    return Ed25519PrivateKey.from_private_bytes(seed)


def _ed25519_public(raw: bytes) -> Ed25519PublicKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise _missing() from None
    return Ed25519PublicKey.from_public_bytes(raw)


def _missing() -> InputError:
    return InputError(
        "signing needs the Python package 'cryptography'",
        hint="install it: pip install 'npm2nixlite[push]'",
    )
