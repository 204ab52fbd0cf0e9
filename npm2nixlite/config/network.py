"""How a server is reached: through which proxy, trusting whom, and with which certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from npm2nixlite.errors import InputError
from npm2nixlite.files import home_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PROXY_VARIABLES", "ClientCertificate", "TlsSettings", "proxy_for", "tls_settings"]

PROXY_VARIABLES = frozenset({"https_proxy", "http_proxy", "proxy", "no_proxy"})
"""What npm heeds of the environment, in whatever case."""

_NOTHING = frozenset({"", "null", "false", "undefined"})


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Who this client says it is. Never shown: the key is a secret.

    Attributes:
        certificate: A file's path, or PEM.
        key: A file's path, or PEM.
        inline: Whether they are PEM.
    """

    certificate: str
    key: str
    inline: bool


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to shake hands with one server.

    Attributes:
        ca: Authorities to trust, as PEM; with ``cafile``, in the place of the system's.
        cafile: A file of further ones.
        strict: Whether the server must prove who it is.
        client: What to show when it asks for a certificate.
    """

    ca: str = ""
    cafile: Path | None = None
    strict: bool = True
    client: ClientCertificate | None = None


def tls_settings(
    settings: Mapping[str, str], project: Path, client: ClientCertificate | None
) -> TlsSettings:
    """What npm's settings ``ca``, ``cafile`` and ``strict-ssl`` say.

    Args:
        settings: npm's.
        project: The directory that a relative ``cafile`` is relative to.
        client: The certificate for the server in question.
    """
    ca, cafile = settings.get("ca", ""), settings.get("cafile", "")
    return TlsSettings(
        ca="" if ca in _NOTHING else ca.replace("\\n", "\n"),
        cafile=None if cafile in _NOTHING else project.absolute() / home_path(cafile),
        strict=settings.get("strict-ssl") != "false",
        client=client,
    )


def proxy_for(url: str, settings: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """The proxy for a request, as npm chooses it; None for none.

    npm's settings ``https-proxy`` and ``proxy`` hold for http and https alike, and go before the
    environment; ``noproxy`` and ``NO_PROXY`` name hosts, with everything below them.

    Args:
        url: What is asked for.
        settings: npm's.
        environment: `PROXY_VARIABLES`, in lower case.

    Raises:
        InputError: The proxy is not reached by http or https, or is malformed.
    """
    parts = urlsplit(url)
    variables = ["https_proxy", *([] if parts.scheme == "https" else ["http_proxy", "proxy"])]
    named = [(f"npm's setting {key}", settings.get(key, "")) for key in ("https-proxy", "proxy")]
    named += [(name.upper(), environment.get(name, "")) for name in variables]
    chosen = next(((origin, value) for origin, value in named if value not in _NOTHING), None)
    exceptions = settings.get("noproxy") or environment.get("no_proxy", "")
    if chosen is None or _excepted(parts.hostname or "", exceptions):
        return None
    origin, proxy = chosen
    try:
        proxy_parts = urlsplit(proxy)
        good = proxy_parts.scheme in {"http", "https"} and proxy_parts.hostname
        _ = proxy_parts.port
    except ValueError:
        good = None
    if not good:
        # Not shown: it may carry a password.
        raise InputError(
            "the proxy's address is not one that can be used",
            where=origin,
            hint="expected http://HOST:PORT or https://HOST:PORT; there is no support for SOCKS",
        )
    return proxy


def _excepted(host: str, exceptions: str) -> bool:
    """Whether a host is, or is below, one of a list's names."""
    labels = host.split(".")
    for exception in re.split(r"[,\s]+", exceptions):
        wanted = [label for label in exception.split(".") if label]
        if wanted and labels[-len(wanted) :] == wanted:
            return True
    return False
