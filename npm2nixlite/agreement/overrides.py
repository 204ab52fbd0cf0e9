"""The root project's ``overrides``: which of them decides about a dependency.

It mirrors arborist's ``override-set``: a rule holds for a package's dependency, and hands its own
rules on to whatever that one depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.versions import in_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["OverrideRule", "read_overrides"]


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

    def within(self, other: OverrideRule) -> bool:
        """Whether this is the other rule, or nested in it."""
        return self is other or (self.parent is not None and self.parent.within(other))

    def deciding(self, name: str, wanted: str) -> OverrideRule | None:
        """The rule for a dependency of a package that this rule holds for; itself where none does.

        Args:
            name: The dependency's.
            wanted: What the package asks for.

        Returns:
            None where that takes more than is known here: whether two ranges overlap.
        """
        rule: OverrideRule | None = self
        while rule is not None:
            candidates: list[OverrideRule] = [*rule.children, *([rule] if rule.name else [])]
            for candidate in candidates:
                if candidate.name == name:
                    if candidate.key == "*" or in_range(wanted, candidate.key):
                        return candidate
                    return None
            rule = rule.parent
        return self


def read_overrides(overrides: Mapping[str, object]) -> OverrideRule:
    """The rules of a package.json's ``overrides``."""
    return _nested(OverrideRule(), overrides)


def _nested(rule: OverrideRule, overrides: Mapping[str, object]) -> OverrideRule:
    for text, value in overrides.items():
        if text == ".":
            continue
        name, _, key = text[1:].partition("@")
        below = value if isinstance(value, dict) else {".": value}
        own = below.get(".")
        key = key or "*"
        wanted = own if isinstance(own, str) and own else key
        child = OverrideRule(text[0] + name, key, wanted, rule)
        rule.children.append(_nested(child, below))
    return rule
