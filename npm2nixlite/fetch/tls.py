"""Which certificate authorities are trusted, as npm is configured to."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["tls_context"]


def tls_context(settings: Mapping[str, str]) -> ssl.SSLContext:
    """The context to verify servers with.

    Args:
        settings: npm's; of these ``cafile`` and ``strict-ssl``. Node.js's own
            ``NODE_EXTRA_CA_CERTS`` counts too, beside the system's authorities.

    Raises:
        InputError: A file of authorities cannot be used.
    """
    context = ssl.create_default_context()
    for origin, file in (
        ("npm's setting cafile", settings.get("cafile")),
        ("NODE_EXTRA_CA_CERTS", os.environ.get("NODE_EXTRA_CA_CERTS")),
    ):
        if not file:
            continue
        try:
            context.load_verify_locations(file)
        except OSError as error:
            if origin.startswith("NODE") and isinstance(error, FileNotFoundError):
                continue  # Node.js itself only warns
            raise InputError(f"cannot be used: {error}", where=(origin, file)) from error
    if settings.get("strict-ssl") == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
