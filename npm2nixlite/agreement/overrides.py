"""The root project's ``overrides``: which of them decides about a dependency.

It mirrors arborist's ``override-set``: a rule holds for a package's dependency, and hands its own
rules on to whatever that one depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.agreement.ranges import intersect
from npm2nixlite.agreement.spec import Spec, parse_spec
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["OverrideRule", "in_conflict", "more_specific", "read_overrides"]


@dataclass(eq=False, slots=True)
class OverrideRule:
    """What ``overrides`` say about a package, and below it about others.

    Attributes:
        name: The package's; empty for the root, which speaks of none.
        key: Which of its versions are meant, a range.
        value: What is asked for instead; equal to ``key`` where nothing is.
        parent: The rule this one is nested in.
        children: The rules nested in this one.
    """

    name: str = ""
    key: str = "*"
    value: str = "*"
    parent: OverrideRule | None = None
    children: list[OverrideRule] = field(default_factory=list)

    def names(self) -> Iterator[str]:
        """Every package that this rule or one below it is about."""
        yield self.name
        for child in self.children:
            yield from child.names()

    def equals(self, other: OverrideRule | None) -> bool:
        """Whether both say the same, at the same place."""
        rule: OverrideRule | None = self
        while rule is not None and other is not None:
            if rule is other:
                return True
            if not rule.says_the_same(other):
                return False
            rule, other = rule.parent, other.parent
        return rule is None and other is None

    def ancestry(self) -> Iterator[OverrideRule]:
        """This rule, and what it is nested in, the root last."""
        rule: OverrideRule | None = self
        while rule is not None:
            yield rule
            rule = rule.parent

    def ruleset(self) -> dict[tuple[str, str], OverrideRule]:
        """The rules that count below this one, by what they are about, the nearest first."""
        found: dict[tuple[str, str], OverrideRule] = {}
        for rule in self.ancestry():
            for child in rule.children:
                found.setdefault((child.name, child.key), child)
            if rule.parent is not None:
                found.setdefault((rule.name, rule.key), rule)
        return found

    def deciding(self, name: str, wanted: str) -> OverrideRule:
        """The rule for a dependency of a package that this rule holds for; itself where none is.

        Args:
            name: The dependency's.
            wanted: What the package asks for.
        """
        for rule in self.ruleset().values():
            if rule.name == name and (rule.key == "*" or _concerns(rule.key, parse_spec(wanted))):
                return rule
        return self

    def says_the_same(self, other: OverrideRule) -> bool:
        """Whether both say the same, wherever they are nested."""
        return (self.name, self.key, self.value) == (other.name, other.key, other.value) and (
            self.nests_the_same(other)
        )

    def nests_the_same(self, other: OverrideRule) -> bool:
        """Whether the same rules are nested in both."""
        theirs = {(child.name, child.key): child for child in other.children}
        return len(self.children) == len(theirs) and all(
            child.value == twin.value and child.nests_the_same(twin)
            for child in self.children
            for twin in [theirs.get((child.name, child.key), _NOTHING)]
        )


_NOTHING = OverrideRule(value="")


def read_overrides(overrides: Mapping[str, object]) -> OverrideRule:
    """The rules of a package.json's ``overrides``."""
    return _nested(OverrideRule(), overrides)


def more_specific(first: OverrideRule, second: OverrideRule) -> OverrideRule | None:
    """Of two rules that hold for one package, the one that counts.

    Where neither is nested in the other it is what both are nested in; None where they contradict
    each other.
    """
    if any(rule.equals(first) for rule in second.ancestry()):
        return second
    if any(rule.equals(second) for rule in first.ancestry()):
        return first
    if _contradict(first, second):
        return None
    return next(
        (one for other in second.ancestry() for one in first.ancestry() if one.equals(other)), None
    )


def in_conflict(first: OverrideRule, second: OverrideRule) -> bool:
    """Whether two rules cannot hold for one package."""
    return more_specific(first, second) is None and _contradict(first, second)


def _contradict(first: OverrideRule, second: OverrideRule) -> bool:
    theirs = second.ruleset()
    for about, rule in first.ruleset().items():
        other = theirs.get(about)
        if other is None or rule.equals(other):
            continue
        if rule.value.startswith("$") or other.value.startswith("$"):
            continue
        one, two = parse_spec(rule.value), parse_spec(other.value)
        ranges = {"range", "version"}
        if one.kind in ranges and two.kind in ranges and not intersect(one.text, two.text):
            return True
    return False


def _concerns(key: str, spec: Spec) -> bool:
    if spec.kind == "git":
        return spec.range is not None and intersect(spec.range, key)
    if spec.kind in {"range", "version"}:
        return intersect(spec.text, key)
    return True  # a tag or a path: npm cannot compare, and takes the rule


def _nested(rule: OverrideRule, overrides: Mapping[str, object]) -> OverrideRule:
    for text, value in overrides.items():
        if text == ".":
            continue
        if not text:
            raise InputError("the field 'overrides' has an empty name")  # npm refuses it, too
        name, _, key = text[1:].partition("@")
        below = value if isinstance(value, dict) else {".": value}
        own = below.get(".")
        own = "*" if own == "" else own
        key = key or "*"
        child = OverrideRule(text[:1] + name, key, own if isinstance(own, str) else key, rule)
        rule.children.append(_nested(child, below))
    return rule
