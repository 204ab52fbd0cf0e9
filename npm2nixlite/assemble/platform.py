"""Whether a package is for a platform, as ``npm-install-checks`` judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.engines import satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Platform"]


@dataclass(frozen=True, slots=True)
class Platform:
    """What the tree is installed for.

    Attributes:
        os: In npm's words: ``linux``, ``darwin``.
        cpu: In npm's words: ``x64``, ``arm64``.
        libc: ``glibc``, ``musl``, or None where that is no question.
        node: The version of Node.js; None leaves ``engines.node`` unjudged.
        npm: The version of npm; None leaves ``engines.npm`` unjudged.
    """

    os: str
    cpu: str
    libc: str | None = None
    node: str | None = None
    npm: str | None = None

    def fits(self, package: Mapping[str, object]) -> bool:
        """Whether ``os``, ``cpu`` and ``libc`` of a package allow this platform."""
        return (
            _allows(package.get("os"), self.os)
            and _allows(package.get("cpu"), self.cpu)
            and _allows(package.get("libc"), self.libc)
        )

    def runs(self, package: Mapping[str, object]) -> bool:
        """Whether a package's ``engines`` allow these versions."""
        engines = package.get("engines")
        if not isinstance(engines, dict):
            return True
        for tool, version in (("node", self.node), ("npm", self.npm)):
            wanted = engines.get(tool)
            if version and isinstance(wanted, str) and wanted and not satisfies(version, wanted):
                return False
        return True


def _allows(listed: object, value: str | None) -> bool:
    if not listed and not isinstance(listed, list):
        return True
    if value is None:
        return False
    names = [listed] if isinstance(listed, str) else listed
    if not isinstance(names, list):
        return True
    if names == ["any"]:
        return True
    refused = [name[1:] for name in names if isinstance(name, str) and name.startswith("!")]
    return value not in refused and (value in names or len(refused) == len(names))
