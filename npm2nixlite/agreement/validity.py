"""Whether what a tree has answers what is asked for: arborist's ``edge`` and ``dep-valid``."""

from __future__ import annotations

from posixpath import dirname, normpath
from typing import TYPE_CHECKING

from npm2nixlite.agreement.overrides import (
    OverrideRule,
    in_conflict,
    more_specific,
    read_overrides,
)
from npm2nixlite.agreement.spec import Spec, parse_spec, repository
from npm2nixlite.assemble.bundles import bundled_nodes
from npm2nixlite.lock.source import TARBALL_NAME
from npm2nixlite.versions import fits_plainly, in_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.assemble.tree import Edge, Node, Tree

__all__ = ["Judge", "in_shrinkwrap", "is_project", "version_of"]


class Judge:
    """Judges the edges of a tree, the root project's ``overrides`` included.

    Args:
        tree: All of it.
        overrides: The root project's.
        recorded: Install path → the lock's own entry; the project's own at "".
        install_links: Whether npm copies local directories in place of linking them.
    """

    def __init__(
        self,
        tree: Tree,
        overrides: Mapping[str, object],
        recorded: Mapping[str, Json],
        *,
        install_links: bool = False,
    ) -> None:
        self._tree, self._recorded, self._install_links = tree, recorded, install_links
        self._rules: dict[Node, OverrideRule] = {}
        self._edge_rules: dict[Edge, OverrideRule] = {}
        self._errors: dict[Edge, str | None] = {}
        self._bundled = bundled_nodes(tree)
        if overrides:
            self._spread(read_overrides(overrides))

    def error(self, edge: Edge) -> str | None:
        """What npm finds wrong with an edge: ``MISSING``, ``PEER LOCAL``, ``INVALID``; or None."""
        if edge not in self._errors:
            self._errors[edge] = self._error(edge)
        return self._errors[edge]

    def wanted(self, edge: Edge) -> str:
        """What an edge asks for, after ``overrides``."""
        rule = self._edge_rules.get(edge)
        if rule is None or rule.name != edge.name or rule.value == "*":
            return edge.wanted
        if not rule.value.startswith("$"):
            return rule.value
        name = rule.value[1:]
        return _reference(self._tree.root.package, name) or (
            _reference(edge.source.package, name) or edge.wanted
        )

    def is_overridden(self, edge: Edge) -> bool:
        """Whether ``overrides`` change what an edge asks for."""
        return self.wanted(edge) != edge.wanted

    def is_bundled(self, node: Node) -> bool:
        """Whether it comes in the tarball of a package further up."""
        return self._bundled.get(node, self._tree.root) is not self._tree.root

    def satisfied_by(self, edge: Edge, node: Node) -> bool:
        """Whether a package would answer an edge, wherever it stands."""
        if node.name != edge.name:
            return False
        if edge.kind == "workspace":
            return node.link is not None and node.link.location == edge.wanted
        if node.entry.get("hasShrinkwrap") or in_shrinkwrap(node) or node in self._bundled:
            return self._valid(edge, node, edge.wanted)
        wanted = self.wanted(edge)
        if self._valid(edge, node, wanted):
            return True
        rule = self._edge_rules.get(edge)
        if rule is None or not rule.name:
            return False
        # What the rule does not speak of may stay as it was asked for.
        return self._valid(edge, node, edge.wanted) and not self._valid(edge, node, rule.key)

    def _error(self, edge: Edge) -> str | None:
        node = edge.target
        if node is None:
            return None if edge.optional else "MISSING"
        if edge.peer and node.parent is edge.source and edge.source.parent is not None:
            return "PEER LOCAL"
        if not self.satisfied_by(edge, node):
            return "INVALID"
        rule, other = self._edge_rules.get(edge), self._rules.get(node)
        if rule is not None and other is not None and node.edges_out and in_conflict(rule, other):
            return "INVALID"
        return None

    def _valid(self, edge: Edge, node: Node, wanted: str) -> bool:
        if fits_plainly(version_of(node), wanted):
            return True
        spec = parse_spec(wanted, self._base(edge))
        accepted = edge.source.package.get("acceptDependencies")
        if self._answers(edge, node, spec):
            return True
        other = accepted.get(edge.name) if isinstance(accepted, dict) else None
        return isinstance(other, str) and self._answers(
            edge, node, parse_spec(other, self._base(edge))
        )

    def _base(self, edge: Edge) -> str:
        """What the paths that an edge asks for are relative to."""
        rule = self._edge_rules.get(edge)
        if rule is not None and rule.name == edge.name:
            return ""
        resolved = edge.source.entry.get("resolved")
        if isinstance(resolved, str) and resolved.startswith("file:"):
            path = resolved.removeprefix("file:")
            if TARBALL_NAME.fullmatch(path):
                return dirname(path)
        return edge.source.location

    def _answers(self, edge: Edge, node: Node, spec: Spec) -> bool:
        match spec.kind:
            case "range" | "version":
                return spec.text == "*" or in_range(version_of(node), spec.text)
            case "tag":
                # Where a lock omits addresses npm asks the registry; the lock is taken at its word.
                return node.link is None and not _is_git(node)
            case "directory":
                if self._install_links and not is_project(self._tree, node):
                    return node.link is None
                return node.link is not None and _here(node.link.location) == _here(spec.text)
            case "file":
                resolved = str(node.entry.get("resolved") or "")
                return resolved.startswith("file:") and (
                    normpath(resolved.removeprefix("file:")) == spec.text
                )
            case "remote":
                return str(node.entry.get("resolved") or "").partition("#")[0] == spec.text
            case "git":
                return self._same_commit(edge, node, spec)
            case _:
                return False

    def _same_commit(self, edge: Edge, node: Node, spec: Spec) -> bool:
        resolved = str(node.entry.get("resolved") or "")
        if repository(resolved) != spec.text:
            return False
        commit = parse_spec(resolved).committish
        if spec.range is not None:
            return in_range(version_of(node), spec.range)
        if spec.commit is not None:
            return commit == spec.committish
        known = self._recorded_committish(edge)
        return known is None or known == spec.committish

    def _recorded_committish(self, edge: Edge) -> str | None:
        """The branch or tag that was asked for when the lock was written."""
        entry = self._recorded.get(edge.source.location, {})
        for group in (
            "dependencies",
            "optionalDependencies",
            "devDependencies",
            "peerDependencies",
        ):
            asked = entry.get(group)
            wanted = asked.get(edge.name) if isinstance(asked, dict) else None
            if isinstance(wanted, str):
                spec = parse_spec(wanted)
                return spec.committish if spec.kind == "git" else None
        return None

    def _spread(self, root: OverrideRule) -> None:
        """Hand the rules on along the edges, until nothing changes."""
        self._rules[self._tree.root] = root
        pending = [self._tree.root]
        while pending:
            node = pending.pop()
            rule = self._rules[node]
            for edge in node.edges_out.values():
                self._edge_rules[edge] = deciding = rule.deciding(edge.name, edge.wanted)
                if edge.target is not None and self._take(edge.target, deciding):
                    pending.append(edge.target)
            link = node.link
            if link is not None and _concerned(rule, link) and self._take(link, rule):
                pending.append(link)

    def _take(self, node: Node, rule: OverrideRule) -> bool:
        """Let a rule hold for a package; whether that is new."""
        known = self._rules.get(node)
        if known is None:
            self._rules[node] = rule
            return True
        if known.equals(rule):
            return False
        specific = more_specific(known, rule)
        if specific is None or known.equals(specific):
            return False
        self._rules[node] = specific
        return True


def version_of(node: Node) -> str:
    """A package's version; of a link, its target's; empty where there is none."""
    version = (node.link or node).package.get("version")
    return version if isinstance(version, str) else ""


def is_project(tree: Tree, node: Node) -> bool:
    """Whether it is the project, or one of its workspaces."""
    if node is tree.root:
        return True
    edge = tree.root.edges_out.get(str(node.package.get("name")))
    if edge is None or edge.kind != "workspace" or edge.target is None:
        return False
    return node in (edge.target, edge.target.link)


def in_shrinkwrap(node: Node) -> bool:
    """Whether a package further up has a shrinkwrap of its own."""
    above = node.parent
    while above is not None:
        if above.entry.get("hasShrinkwrap"):
            return True
        above = above.parent
    return False


def _concerned(rule: OverrideRule, target: Node) -> bool:
    """Whether a rule is about anything that a link's target leads to."""
    seen, pending = {target}, [target]
    while pending:
        node = pending.pop()
        for edge in node.edges_out.values():
            if rule.deciding(edge.name, edge.wanted).name == edge.name:
                return True
            found = edge.target and (edge.target.link or edge.target)
            if found is not None and found not in seen:
                seen.add(found)
                pending.append(found)
    return False


def _reference(package: Mapping[str, object], name: str) -> str | None:
    for group in ("devDependencies", "optionalDependencies", "dependencies", "peerDependencies"):
        asked = package.get(group)
        wanted = asked.get(name) if isinstance(asked, dict) else None
        if isinstance(wanted, str) and wanted:
            return wanted
    return None


def _is_git(node: Node) -> bool:
    resolved = node.entry.get("resolved")
    return isinstance(resolved, str) and parse_spec(resolved).kind == "git"


def _here(path: str) -> str:
    return "" if path == "." else path
