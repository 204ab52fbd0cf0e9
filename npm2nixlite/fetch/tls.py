"""TLS contexts: whom to trust and what to show, as npm is configured to."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.files import read_file, reason

if TYPE_CHECKING:
    from npm2nixlite.config.network import ClientCertificate, TlsSettings

__all__ = ["Tls"]

_LARGEST = 16 << 20  # bytes


class Tls:
    """How to verify servers; each kind is loaded when it is first needed, at a tenth of a second.

    Node.js's own ``NODE_EXTRA_CA_CERTS`` counts beside the system's authorities.
    """

    def __init__(self) -> None:
        self._contexts: dict[TlsSettings, ssl.SSLContext] = {}

    def context(self, settings: TlsSettings) -> ssl.SSLContext:
        """The context for connections to one server.

        Raises:
            InputError: A certificate cannot be used.
        """
        context = self._contexts.get(settings)
        if context is None:
            context = self._contexts[settings] = _context(settings)
        return context


def _context(settings: TlsSettings) -> ssl.SSLContext:
    if settings.ca or settings.cafile is not None:
        # To npm, authorities of one's own stand in the place of the known ones.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if settings.ca:
            _trust(context, "npm's setting ca", text=settings.ca)
        if settings.cafile is not None:
            _trust(context, f"npm's setting cafile: {settings.cafile}", file=settings.cafile)
    else:
        context = ssl.create_default_context()
        extra = Path(os.environ.get("NODE_EXTRA_CA_CERTS") or os.devnull)
        if extra.is_file():  # Node.js itself only warns where it is not there
            _trust(context, f"NODE_EXTRA_CA_CERTS: {extra}", file=extra)
    if not settings.strict:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.client is not None:
        _show(context, settings.client)
    return context


def _trust(
    context: ssl.SSLContext, origin: str, *, file: Path | None = None, text: str | None = None
) -> None:
    try:
        if file is not None:
            read_file(file, _LARGEST)  # the library would wait for a FIFO, or read on and on
        context.load_verify_locations(cafile=file, cadata=text)
    except (OSError, ValueError, TypeError) as error:  # the last for what is not ASCII
        raise InputError(f"cannot be used: {error}", where=origin) from error


def _show(context: ssl.SSLContext, client: ClientCertificate) -> None:
    try:
        if not client.inline:
            for name in (client.certificate, client.key):
                read_file(name, _LARGEST)
            context.load_cert_chain(client.certificate, client.key, password=_no_password)
            return
        # The TLS library takes files only; this one is its owner's, and gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{client.key}\n{client.certificate}\n")
            file.flush()
            context.load_cert_chain(file.name, password=_no_password)
    except (OSError, ValueError) as error:
        where = "npm's settings cert and key" if client.inline else client.certificate
        raise InputError(
            f"this client certificate cannot be used: {reason(error)}",
            where=where,
            hint="certfile and keyfile name PEM files, the key without a passphrase",
        ) from error


def _no_password() -> str:
    """Keep the TLS library from asking on the terminal."""
    return ""
