"""Rules of ``overrides``; what npm's own override-set says of the same ones stands at the end."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.agreement.overrides import (
    OverrideRule,
    in_conflict,
    more_specific,
    read_overrides,
)
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def shape(rule: OverrideRule) -> Any:
    """A rule as plain values: name, key, value, and the rules nested in it."""
    return (rule.name, rule.key, rule.value, [shape(child) for child in rule.children])


@pytest.mark.parametrize(
    ("overrides", "shapes"),
    [
        ({"a": "1.0.0"}, [("a", "*", "1.0.0", [])]),
        ({"a": ""}, [("a", "*", "*", [])]),
        ({"a@^1": "2.0.0"}, [("a", "^1", "2.0.0", [])]),
        ({"a@^1": ""}, [("a", "^1", "*", [])]),
        ({"@s/a": "1.0.0"}, [("@s/a", "*", "1.0.0", [])]),
        ({"@s/a@^1": "1.0.0"}, [("@s/a", "^1", "1.0.0", [])]),
        ({"a": {"b": "1.0.0"}}, [("a", "*", "*", [("b", "*", "1.0.0", [])])]),
        ({"a@^2": {"b": "1.0.0"}}, [("a", "^2", "^2", [("b", "*", "1.0.0", [])])]),
        ({"a": {".": "2.0.0", "b": "1"}}, [("a", "*", "2.0.0", [("b", "*", "1", [])])]),
        ({"a": {".": "2.0.0"}}, [("a", "*", "2.0.0", [])]),
        ({"a": 1, "b": "2"}, [("a", "*", "*", []), ("b", "*", "2", [])]),
        ({}, []),
    ],
)
def test_overrides_are_read_as_nested_rules(overrides: dict[str, object], shapes: Any) -> None:
    root = read_overrides(overrides)
    assert shape(root) == ("", "*", "*", shapes)
    assert root.parent is None
    for child in root.children:
        assert child.parent is root
        for grandchild in child.children:
            assert grandchild.parent is child


def test_a_rule_about_nothing_is_refused() -> None:
    for overrides in ({"": "1.0.0"}, {"a": {"": "1.0.0"}}):
        with pytest.raises(InputError, match="'overrides' has an empty name"):
            read_overrides(overrides)


def at(root: OverrideRule, *names: str) -> OverrideRule:
    """The rule that is nested in these ones."""
    for name in names:
        (root,) = (child for child in root.children if child.name == name)
    return root


def test_names_are_those_of_all_rules() -> None:
    assert list(read_overrides({"a": {"b": "1", "c": {"d": "2"}}, "e": "3"}).names()) == [
        "",
        *("a", "b", "c", "d", "e"),
    ]


def test_the_ancestry_of_a_rule_leads_to_the_root() -> None:
    root = read_overrides({"a": {"b": {"c": "1"}}})
    found = list(at(root, "a", "b", "c").ancestry())
    assert [rule.name for rule in found] == ["c", "b", "a", ""]


def test_the_ruleset_has_what_is_nested_and_what_is_above_the_nearest_first() -> None:
    root = read_overrides({"a": {"b": "1", "x": "1"}, "b": "2", "c": "3"})
    assert {about: rule.value for about, rule in root.ruleset().items()} == {
        ("a", "*"): "*",
        ("b", "*"): "2",
        ("c", "*"): "3",
    }
    below = at(root, "a").ruleset()
    assert {about: rule.value for about, rule in below.items()} == {
        ("b", "*"): "1",
        ("x", "*"): "1",
        ("a", "*"): "*",
        ("c", "*"): "3",
    }
    assert list(below)[:3] == [("b", "*"), ("x", "*"), ("a", "*")]


DECISIONS: dict[
    str, tuple[dict[str, object], tuple[str, ...], str, str, tuple[str, str] | None]
] = {
    # name: overrides, which rule holds, dependency, what is asked for → deciding (name, value)
    "of the root": ({"a": "2"}, (), "a", "^1", ("a", "2")),
    "of another package": ({"a": "2"}, (), "b", "^1", None),
    "nested": ({"c": {"a": "2"}}, ("c",), "a", "^1", ("a", "2")),
    "nested elsewhere": ({"c": {"a": "2"}}, (), "a", "^1", None),
    "nested, before the root's": ({"c": {"a": "2"}, "a": "3"}, ("c",), "a", "^1", ("a", "2")),
    "the root's, where nothing is nested": (
        {"c": {"b": "2"}, "a": "3"},
        ("c",),
        "a",
        "1",
        ("a", "3"),
    ),
    "for a range that is asked for": ({"a@^1": "2"}, (), "a", "^1.2", ("a", "2")),
    "for another range": ({"a@^1": "2"}, (), "a", "^2", None),
    "for a version in the range": ({"a@^1": "2"}, (), "a", "1.2.3", ("a", "2")),
    "for a version outside": ({"a@^1": "2"}, (), "a", "2.0.0", None),
    "for a tag": ({"a@^1": "2"}, (), "a", "latest", ("a", "2")),
    "for a path": ({"a@^1": "2"}, (), "a", "file:a", ("a", "2")),
    "for git without a range": ({"a@^1": "2"}, (), "a", "github:u/a", None),
    "for git with a range": ({"a@^1": "2"}, (), "a", "github:u/a#semver:^1", ("a", "2")),
    "for git with another": ({"a@^1": "2"}, (), "a", "github:u/a#semver:^2", None),
    "for git, whatever the version": ({"a": "2"}, (), "a", "github:u/a", ("a", "2")),
    "the first of two ranges": ({"a@^1": "2", "a@1": "3"}, (), "a", "^1", ("a", "2")),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_rule_for_a_dependency_is_found(case: str) -> None:
    overrides, place, name, wanted, expected = DECISIONS[case]
    rule = at(read_overrides(overrides), *place)
    found = rule.deciding(name, wanted)
    if expected is None:
        assert found is rule
    else:
        assert (found.name, found.value) == expected


def test_a_rule_equals_one_that_says_the_same_at_the_same_place() -> None:
    said = {"a": {"b": "1", "c": {"d": "2"}}, "e": "3"}
    one, other = read_overrides(said), read_overrides(said)
    assert one.equals(other)
    assert one.equals(one)
    assert at(one, "a", "b").equals(at(other, "a", "b"))
    assert not at(one, "a").equals(at(other, "a", "b"))
    assert not one.equals(None)
    assert not at(one, "a").equals(one)
    assert not one.equals(at(one, "a"))


@pytest.mark.parametrize(
    "other",
    [
        {"a": {"b": "2"}},
        {"a": {"c": "1"}},
        {"a": {"b": "1", "c": "1"}},
        {"a": {"b": {".": "1", "c": "1"}}},
        {"a": {"b@1": "1"}},
        {"a": {".": "1", "b": "1"}},
        {"a@1": {"b": "1"}},
        {"c": {"b": "1"}},
        {"a": {"b": "1"}, "c": "1"},
        {},
    ],
)
def test_rules_that_say_something_else_are_not_equal(other: dict[str, object]) -> None:
    one, two = read_overrides({"a": {"b": "1"}}), read_overrides(other)
    assert not one.equals(two)
    assert not two.equals(one)
    assert not one.says_the_same(two)
    assert not two.says_the_same(one)


def test_a_rule_at_another_place_says_the_same_but_does_not_equal() -> None:
    one = at(read_overrides({"a": {"b": "1"}}), "a", "b")
    other = at(read_overrides({"c": {"b": "1"}}), "c", "b")
    assert one.says_the_same(other)
    assert not one.equals(other)
    deeper = at(read_overrides({"b": "1"}), "b")
    assert not one.equals(deeper)
    assert not deeper.equals(one)


def test_the_more_specific_of_two_rules_is_the_nested_one() -> None:
    root = read_overrides({"a": {"b": "1"}, "c": "1"})
    a, b, c = at(root, "a"), at(root, "a", "b"), at(root, "c")
    assert more_specific(root, a) is a
    assert more_specific(a, root) is a
    assert more_specific(b, a) is b
    assert more_specific(a, a) is a
    assert more_specific(b, c) is root
    assert not in_conflict(b, c)


CONFLICTS: dict[str, tuple[dict[str, object], dict[str, object], bool]] = {
    "two versions": ({"x": "1.0.0"}, {"x": "2.0.0"}, True),
    "two ranges apart": ({"x": "^1"}, {"x": "^2"}, True),
    "two ranges that meet": ({"x": "^1"}, {"x": "1.2.3"}, False),
    "one version": ({"x": "1.0.0"}, {"x": "1.0.0"}, False),
    "other packages": ({"x": "1.0.0"}, {"y": "2.0.0"}, False),
    "other keys": ({"x@1": "1.0.0"}, {"x@2": "2.0.0"}, False),
    "a tag": ({"x": "latest"}, {"x": "2.0.0"}, False),
    "a tag, the other way": ({"x": "2.0.0"}, {"x": "latest"}, False),
    "git": ({"x": "github:u/x"}, {"x": "2.0.0"}, False),
    "what the project asks for": ({"x": "$x"}, {"x": "2.0.0"}, False),
    "what the project asks for, there": ({"x": "1.0.0"}, {"x": "$x"}, False),
    "the second": ({"w": "1", "x": "1.0.0"}, {"w": "1", "x": "2.0.0"}, True),
    "the second, after a tag": ({"w": "t", "x": "1.0.0"}, {"w": "1", "x": "2.0.0"}, True),
    "the second, after a reference": ({"w": "$w", "x": "1.0.0"}, {"w": "1", "x": "2.0.0"}, True),
    "the second, after another": ({"v": "1", "x": "1.0.0"}, {"w": "1", "x": "2.0.0"}, True),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_two_rules_are_in_conflict_where_no_version_fits_both(case: str) -> None:
    first, second, conflict = CONFLICTS[case]
    root = read_overrides({"a": first, "b": second})
    a, b = at(root, "a"), at(root, "b")
    assert in_conflict(a, b) is conflict
    assert in_conflict(b, a) is conflict
    assert more_specific(a, b) is (None if conflict else root)


_ASK_NPM = """
const root = require('child_process').execFileSync('npm', ['root', '-g']).toString().trim()
const OverrideSet = require(root + '/npm/node_modules/@npmcli/arborist/lib/override-set.js')
const npa = require(root + '/npm/node_modules/npm-package-arg')
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const at = (rule, names) => names.reduce(
  (rule, name) => [...rule.children.values()].find(child => child.name === name), rule)
const decided = cases.decisions.map(([overrides, place, name, wanted]) => {
  const rule = at(new OverrideSet({ overrides }), place)
  const found = rule.getEdgeRule({ name, spec: wanted, rawSpec: wanted })
  return found === rule ? null : [found.name, found.value]
})
const conflicts = cases.conflicts.map(([first, second]) => {
  const root = new OverrideSet({ overrides: { a: first, b: second } })
  return OverrideSet.doOverrideSetsConflict
    ? Boolean(OverrideSet.doOverrideSetsConflict(at(root, ['a']), at(root, ['b']))) : null
})
console.log(JSON.stringify({ decided, conflicts }))
"""


@pytest.mark.npm
def test_npm_decides_the_same(tmp_path: Path) -> None:
    script = tmp_path / "ask.js"
    script.write_text(_ASK_NPM)
    cases = {
        "decisions": [case[:4] for case in DECISIONS.values()],
        "conflicts": [case[:2] for case in CONFLICTS.values()],
    }
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    for name, found in zip(DECISIONS, told["decided"], strict=True):
        expected = DECISIONS[name][4]
        assert found == (None if expected is None else list(expected)), name
    for name, found in zip(CONFLICTS, told["conflicts"], strict=True):
        if found is not None:  # older versions of npm do not compare
            assert found is CONFLICTS[name][2], name
