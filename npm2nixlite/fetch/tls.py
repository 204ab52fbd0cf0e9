"""Which certificate authorities are trusted, as npm is configured to."""

from __future__ import annotations

import os
import ssl
from functools import cached_property
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Tls"]


class Tls:
    """How to verify servers; loaded when the first one is to be, at a tenth of a second.

    Args:
        settings: npm's; of these ``cafile`` and ``strict-ssl``. Node.js's own
            ``NODE_EXTRA_CA_CERTS`` counts too, beside the system's authorities.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The context for connections.

        Raises:
            InputError: A file of authorities cannot be used.
        """
        context = ssl.create_default_context()
        files = {
            "npm's setting cafile": self._settings.get("cafile"),
            "NODE_EXTRA_CA_CERTS": os.environ.get("NODE_EXTRA_CA_CERTS"),
        }
        for origin, file in files.items():
            if file:
                _trust(context, origin, file)
        if self._settings.get("strict-ssl") == "false":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _trust(context: ssl.SSLContext, origin: str, file: str) -> None:
    if file == ssl.get_default_verify_paths().cafile:
        return  # the system's own
    try:
        context.load_verify_locations(file)
    except OSError as error:
        if origin.startswith("NODE") and isinstance(error, FileNotFoundError):
            return  # Node.js itself only warns
        raise InputError(f"cannot be used: {error}", where=(origin, file)) from error
