"""Whether a lock has what its packages themselves ask for.

``npm ci`` walks from the project along all dependencies, and looks again for what the lock lacks or
has in a version that does not fit; what it finds is then not in the lock, and it refuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from npm2nixlite.agreement.overrides import OverrideRule, read_overrides
from npm2nixlite.lock.model import GitRevision, Link, LocalDirectory, Lock, Package
from npm2nixlite.versions import in_range, is_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.agreement.manifests import Manifest

__all__ = ["Edge", "broken_edges"]

_ALIAS = re.compile(r"npm:(?:@[^/@]+/)?[^/@]+(?:@(?P<wanted>.*))?", re.DOTALL)


class Edge:
    """A dependency that the lock does not meet.

    Attributes:
        source: Install path of who depends.
        name: On what.
        wanted: What is asked for.
        overridden: Whether that is so by the root project's ``overrides``.
        target: What the lock has; None where it has nothing.
    """

    __slots__ = ("name", "overridden", "source", "target", "wanted")

    def __init__(
        self, source: str, name: str, wanted: str, *, overridden: bool, target: Package | None
    ) -> None:
        self.source, self.name, self.wanted = source, name, wanted
        self.overridden, self.target = overridden, target


def broken_edges(
    lock: Lock, manifests: Mapping[str, Manifest], *, peers: bool = True
) -> Iterator[Edge]:
    """The dependencies of a lock's packages that the lock does not meet.

    Those of the project and its directories are not among them. Of a peer dependency only its
    absence counts: npm lets one stay that conflicts. So does it here what only npm can judge:
    overrides for ranges of versions, git and the like; and a lock of version 1 does not say what
    its packages ask for.

    Args:
        lock: The lock.
        manifests: Directory → its package.json; see `npm2nixlite.agreement.manifests`.
        peers: Whether peer dependencies count.
    """
    if "" in manifests:
        yield from _Walk(lock, manifests, peers).broken()


class _Walk:
    def __init__(self, lock: Lock, manifests: Mapping[str, Manifest], peers: bool) -> None:
        self._entries = {entry.install_path: entry for entry in lock.entries}
        self._manifests, self._peers = manifests, peers
        self._root = read_overrides(manifests[""].overrides)
        self._overridden = frozenset(self._root.names())
        # Which rule holds for a package; None where that is not known.
        self._rules: dict[str, OverrideRule | None] = {}

    def broken(self) -> Iterator[Edge]:
        seen: dict[tuple[str, str], Edge | None] = {}
        pending = [""]
        self._rules[""] = self._root
        while pending:
            source = pending.pop()
            rule = self._rules[source]
            for name, wanted, peer in self._asked(source):
                target = self._found(source, name)
                seen[source, name] = self._judged(source, name, wanted, rule, target, peer)
                if target is None:
                    continue
                deciding = rule.deciding(name, wanted) if rule else None
                path = target.target if isinstance(target, Link) else target.install_path
                if self._hand_on(path, deciding):
                    pending.append(path)
        yield from filter(None, seen.values())

    def _hand_on(self, path: str, rule: OverrideRule | None) -> bool:
        """Let a rule hold for a package; whether that is new."""
        if path not in self._rules:
            self._rules[path] = rule
            return True
        known = self._rules[path]
        if known is None or (rule is not None and known.within(rule)):
            return False
        self._rules[path] = rule if rule is not None and rule.within(known) else None
        return True

    def _asked(self, source: str) -> Iterator[tuple[str, str, bool]]:
        """Name, what is asked for, and whether as a peer."""
        manifest = self._manifests.get(source)
        if manifest is not None:
            for name, wanted in manifest.requested.items():
                yield name, wanted, False
            for name in manifest.workspaces:
                yield name, "*", False
            return
        entry = self._entries.get(source)
        if not isinstance(entry, Package) or entry.in_bundle or entry.has_shrinkwrap:
            return
        if isinstance(entry.source, LocalDirectory):
            return  # npm takes the lock's word for what is outside the project
        for name, wanted in entry.requested.items():
            yield name, wanted, False
        for name, wanted in entry.peers.items() if self._peers else ():
            yield name, wanted, True

    def _judged(
        self,
        source: str,
        name: str,
        wanted: str,
        rule: OverrideRule | None,
        target: Package | Link | None,
        peer: bool,
    ) -> Edge | None:
        if source in self._manifests:
            return None
        if target is None:
            return Edge(source, name, wanted, overridden=False, target=None)
        if peer or isinstance(target, Link) or target.in_bundle or target.version is None:
            return None
        deciding = rule.deciding(name, wanted) if rule else None
        if deciding is None and name in self._overridden:
            return None
        if deciding is not None and deciding.name == name and deciding.value != "*":
            instead = self._referred(deciding.value)
            kept = _fits(target, wanted) and not _fits(target, deciding.key)
            if _fits(target, instead) or kept:
                return None
            return Edge(source, name, instead, overridden=True, target=target)
        if _fits(target, wanted):
            return None
        return Edge(source, name, wanted, overridden=False, target=target)

    def _referred(self, value: str) -> str:
        if not value.startswith("$"):
            return value
        return self._manifests[""].requested.get(value[1:], "*")

    def _found(self, source: str, name: str) -> Package | Link | None:
        """What Node.js finds under a name from an install path."""
        place = source
        while True:
            entry = self._entries.get(f"{place}/node_modules/{name}"[not place :])
            if entry is not None or not place or place.endswith(".."):
                return entry
            above, inside, _ = f"/{place}".rpartition("/node_modules/")
            place = above[1:] if inside else place.rpartition("/")[0]


def _fits(target: Package, wanted: str) -> bool:
    if target.version is None or isinstance(target.source, GitRevision):
        return True
    alias = _ALIAS.fullmatch(wanted)
    wanted = (alias["wanted"] or "*") if alias else wanted
    if wanted in {"", "*"} or not is_range(wanted):
        return True
    return in_range(target.version, wanted)
