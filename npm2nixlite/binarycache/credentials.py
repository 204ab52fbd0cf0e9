"""Who we are to a cache that takes uploads over HTTP."""

from __future__ import annotations

import base64
import netrc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from npm2nixlite.errors import InputError
from npm2nixlite.files import home_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Credentials", "from_netrc", "netrc_files"]


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What is sent to the cache's own origin, and nowhere else; never shown.

    Attributes:
        authorization: The value of the ``Authorization`` header.
    """

    authorization: str

    @classmethod
    def basic(cls, user: str, password: str) -> Self:
        """User and password (RFC 7617, in UTF-8)."""
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(f"Basic {pair}")

    def pair(self) -> tuple[str, str]:
        """User and password, of basic credentials."""
        user, _, password = (
            base64.b64decode(self.authorization.removeprefix("Basic ")).decode().partition(":")
        )
        return user, password

    @classmethod
    def bearer(cls, token: str) -> Self:
        """A token (RFC 6750).

        Raises:
            InputError: It holds characters that no header may hold.
        """
        if not (token.isascii() and token.isprintable()):
            raise InputError("the token has characters that cannot be sent", hint="a line break?")
        return cls(f"Bearer {token}")


def netrc_files(environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where curl and Nix look, the more personal place first."""
    if named := environment.get("NETRC"):
        yield Path(named)
    yield home_path("~/.netrc")
    yield Path("/etc/nix/netrc")


def from_netrc(host: str, files: Iterator[Path]) -> Credentials | None:
    """The first entry for a host; a file that is not there, or not for us, is passed over.

    Args:
        host: The cache's host name, without a port.
        files: netrc files, in the order they count.

    Raises:
        InputError: A file is malformed; the message does not repeat it.
    """
    for file in files:
        try:
            entry = netrc.netrc(file).authenticators(host)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except netrc.NetrcParseError as error:
            raise InputError(
                f"the netrc is malformed in line {error.lineno}", where=str(file)
            ) from None
        if entry is not None:
            user, _, password = entry
            return Credentials.basic(user, password or "")
    return None
