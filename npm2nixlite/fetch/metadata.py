"""Ask a registry about a version: where its tarball is, and which hash it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from npm2nixlite.errors import InputError
from npm2nixlite.fetch.refusal import Refused
from npm2nixlite.files import parse_json
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.lock.source import http_address

if TYPE_CHECKING:
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.fetch.client import Client

__all__ = ["Distribution", "ask_registry"]

# The short form has all that is needed; a registry that does not know it sends the long one.
_ACCEPT = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A version's ``dist`` in a registry's metadata.

    Attributes:
        tarball: Its whole address.
        integrities: Of ``integrity`` where there is one, else of ``shasum``; may be empty.
    """

    tarball: str
    integrities: frozenset[Integrity]


async def ask_registry(
    client: Client, base: str, name: str, version: str, config: RegistryConfig
) -> Distribution:
    """What a registry says of a version.

    Args:
        client: Gets it.
        base: The registry's base, with a slash at its end.
        name: With its scope.
        version: Exactly.
        config: Gives the credentials.

    Raises:
        Refused: The registry does not have it, or says nothing that can be understood.
    """
    url = base + quote(name, safe="@!~*'()")
    content = await client.read(url, config, _ACCEPT)
    try:
        versions = parse_json(content)["versions"]
        if version not in versions:
            raise Refused(f"the registry has {name}, but not version {version}", status=404)
        return _distribution(versions[version]["dist"], url)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise Refused(f"the registry's metadata of {name} cannot be understood") from error


def _distribution(dist: dict[str, object], url: str) -> Distribution:
    tarball = http_address(urljoin(url, str(dist["tarball"])))
    integrity = dist.get("integrity")
    if integrity:
        return Distribution(tarball, parse_integrity(str(integrity)))
    shasum = dist.get("shasum")
    if shasum:
        return Distribution(tarball, frozenset({Integrity.of("sha1", bytes.fromhex(str(shasum)))}))
    return Distribution(tarball, frozenset())
