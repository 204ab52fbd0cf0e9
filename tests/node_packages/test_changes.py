"""What two generated files differ by."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.lock.model import Link
from npm2nixlite.node_packages.changes import Changes, compare
from npm2nixlite.node_packages.model import Flag, GitPin, NodePackages, PackageEntry, Unfilled
from npm2nixlite.plan import Blocker
from npm2nixlite.versions import Bump
from tests.node_packages.models import digest
from tests.node_packages.test_read import BUILT, MODEL


def entry(name: str, version: str | None = "1.0.0", *flags: Flag) -> PackageEntry:
    return PackageEntry(f"node_modules/{name}", name, version, Unfilled(), frozenset(flags))


def content(*entries: PackageEntry | Link) -> NodePackages:
    return NodePackages("package-lock.json", "0" * 64, 3, entries=entries)


def test_equal_files_differ_by_their_frame_at_most() -> None:
    assert compare(MODEL, MODEL) == Changes(
        note="the packages are the same; what differs: the frame around its content"
    )


def test_what_came_went_and_changed_is_told_with_versions() -> None:
    old = content(entry("a"), entry("b"), entry("c"), entry("e", None), Link("node_modules/l", "x"))
    new = content(
        entry("b", "1.0.1"),
        entry("c", "1.0.0", Flag.DEV),
        entry("d", "2.0.0"),
        entry("e", None, Flag.DEV),
        Link("node_modules/l", "y"),
    )
    changes = compare(old, new)
    assert changes.added == {"node_modules/d": "2.0.0"}
    assert changes.removed == {"node_modules/a": "1.0.0"}
    assert changes.changed == {
        "node_modules/b": ("1.0.0", "1.0.1"),
        "node_modules/c": ("1.0.0", "1.0.0"),
        "node_modules/e": ("", ""),
        "node_modules/l": ("-> x", "-> y"),
    }
    assert changes.note == ""
    assert changes.bumps() == {"node_modules/b": Bump.PATCH}
    assert list(changes.lines()) == [
        "added    node_modules/d 2.0.0",
        "removed  node_modules/a 1.0.0",
        "changed  node_modules/b 1.0.0 → 1.0.1 (patch)",
        "changed  node_modules/c 1.0.0 (hash, address or flags)",
        "changed  node_modules/e (hash, address or flags)",
        "changed  node_modules/l -> x → -> y",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("1.0.0", "2.0.0", "1.0.0 → 2.0.0 (major)"),
        ("1.0.0", "1.1.0", "1.0.0 → 1.1.0 (minor)"),
        ("1.1.0", "1.0.9", "1.1.0 → 1.0.9 (minor, to an older one)"),
        ("1.0.0", "latest", "1.0.0 → latest"),
    ],
)
def test_a_bump_is_told_with_its_kind(old: str, new: str, told: str) -> None:
    changes = compare(content(entry("a", old)), content(entry("a", new)))
    assert list(changes.lines()) == [f"changed  node_modules/a {told}"]


def test_what_came_without_a_version_has_none() -> None:
    changes = compare(content(), content(entry("a", None)))
    assert list(changes.lines()) == ["added    node_modules/a"]
    assert list(compare(content(entry("a", None)), content()).lines()) == [
        "removed  node_modules/a"
    ]


def test_what_a_git_dependency_is_built_by_counts() -> None:
    old = replace(
        content(
            PackageEntry(
                "node_modules/g",
                "g",
                "1.0.0",
                GitPin(BUILT, digest("sha256", "g"), submodules=False, prepare=True),
            )
        ),
        prepared={BUILT: (entry("t"),)},
    )
    new = replace(old, prepared={BUILT: (entry("t", "1.1.0"),)})
    assert list(compare(old, new).lines()) == [
        f"changed  {BUILT} node_modules/t 1.0.0 → 1.1.0 (minor)"
    ]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lock_name": "npm-shrinkwrap.json"}, "the lock's name"),
        ({"lock_sha256": "1" * 64}, "the lock's hash"),
        ({"lockfile_version": 2}, "the lock's version"),
        ({"name": "p"}, "the project's name"),
        ({"version": "2.0.0"}, "the project's version"),
        ({"registry": "https://registry.example/"}, "the default registry"),
        ({"project": "below"}, "the default project directory"),
        ({"blockers": (Blocker("node_modules/a", "x"),)}, "the blockers"),
        ({"recorded": Recorded({"omit": "dev"})}, "the recorded settings of the project"),
        ({"name": "p", "project": "below"}, "the project's name, the default project directory"),
    ],
)
def test_what_differs_beside_the_packages_is_named(changed: dict[str, object], told: str) -> None:
    old = content(entry("a"))
    changes = compare(old, replace(old, **changed))  # type: ignore[arg-type]
    assert list(changes.lines()) == [f"the packages are the same; what differs: {told}"]


def test_each_field_beside_the_packages_has_words() -> None:
    old = content(entry("a"))
    for field in fields(NodePackages):
        if field.name not in {"entries", "prepared"}:
            other = replace(old, **{field.name: object()})  # type: ignore[arg-type]
            assert "what differs: the " in compare(old, other).note
            assert "frame" not in compare(old, other).note


def test_a_change_of_packages_is_enough_said() -> None:
    old = content(entry("a"))
    changes = compare(old, replace(old, lock_sha256="1" * 64, entries=()))
    assert list(changes.lines()) == ["removed  node_modules/a 1.0.0"]


def test_a_summary_names_each_package_once_and_not_too_many() -> None:
    changes = Changes(
        added={f"node_modules/new{number}": "1.0.0" for number in range(7)},
        removed={"node_modules/old": "2.0.0"},
        changed={
            "node_modules/a": ("1.0.0", "1.1.0"),
            "node_modules/b/node_modules/a": ("1.0.0", "1.1.0"),
            "node_modules/same": ("1.0.0", "1.0.0"),
        },
    )
    assert changes.summary() == (
        "1 package updated: a 1.0.0 → 1.1.0 (minor); "
        "7 packages added: new0 1.0.0, new1 1.0.0, new2 1.0.0, new3 1.0.0, new4 1.0.0 and 2 more; "
        "1 package removed: old 2.0.0"
    )


def test_a_summary_of_flags_or_of_a_note() -> None:
    changes = Changes(changed={"node_modules/same": ("1.0.0", "1.0.0")})
    assert changes.summary() == "hash, address or flags of 1 install path changed"
    assert Changes(note="the frame").summary() == "the frame"
