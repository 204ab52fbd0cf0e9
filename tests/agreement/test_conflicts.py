"""What npm does about dependencies that a lock does not meet; the installed npm is asked."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.agreement.check import Disagreement, disagreements
from npm2nixlite.agreement.manifests import read_manifests
from npm2nixlite.lock.parse import read_lock
from tests.support.projects import environment
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

Fields = dict[str, Any]

VERSIONS = ("1.0.0", "1.5.0", "2.0.0")
A_1 = {"peerDependencies": {"a": "^1.0.0"}}
A_2 = {"peerDependencies": {"a": "^2.0.0"}}
A_ANY = {"peerDependencies": {"a": ">=1"}}

# Name → package.json of the project; install path → version and what the package asks for;
# directory → package.json of a workspace.
CASES: dict[str, tuple[Fields, dict[str, tuple[str, Fields]], dict[str, Fields]]] = {
    "a peer that fits": (
        {"dependencies": {"a": "^1", "b": "1"}},
        {"node_modules/a": ("1.5.0", {}), "node_modules/b": ("1.0.0", A_1)},
        {},
    ),
    "a peer that the project itself contradicts": (
        {"dependencies": {"a": "^1", "b": "1"}},
        {"node_modules/a": ("1.5.0", {}), "node_modules/b": ("1.0.0", A_2)},
        {},
    ),
    "a peer that the lock contradicts, though the project would take it": (
        {"dependencies": {"a": ">=1", "b": "1"}},
        {"node_modules/a": ("1.5.0", {}), "node_modules/b": ("1.0.0", A_2)},
        {},
    ),
    "a package's peer that the project contradicts": (
        {"dependencies": {"a": "^1", "c": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", A_2),
            "node_modules/c": ("1.0.0", {"dependencies": {"b": "1"}}),
        },
        {},
    ),
    "a peer further down that nests its own": (
        {"dependencies": {"a": "^1", "c": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/c": ("1.0.0", {"dependencies": {"b": "1"}}),
            "node_modules/c/node_modules/a": ("2.0.0", {}),
            "node_modules/c/node_modules/b": ("1.0.0", A_2),
        },
        {},
    ),
    "two peers that contradict each other, one of them the project's": (
        {"dependencies": {"b": "1", "c": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", A_1),
            "node_modules/c": ("1.0.0", A_2),
        },
        {},
    ),
    "two packages' peers that contradict each other": (
        {"dependencies": {"d": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", A_1),
            "node_modules/c": ("1.0.0", A_2),
            "node_modules/d": ("1.0.0", {"dependencies": {"a": "^1", "b": "1", "c": "1"}}),
        },
        {},
    ),
    "an optional peer that is contradicted": (
        {"dependencies": {"a": "^1", "b": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", {**A_2, "peerDependenciesMeta": {"a": {"optional": True}}}),
        },
        {},
    ),
    "a missing peer of a package": (
        {"dependencies": {"b": "1"}},
        {"node_modules/b": ("1.0.0", A_ANY)},
        {},
    ),
    "a missing optional dependency of a package": (
        {"dependencies": {"b": "1"}},
        {"node_modules/b": ("1.0.0", {"optionalDependencies": {"a": "1"}})},
        {},
    ),
    "overrides for a range of versions, kept to": (
        {"dependencies": {"b": "1"}, "overrides": {"a@^1": "2.0.0"}},
        {
            "node_modules/a": ("2.0.0", {}),
            "node_modules/b": ("1.0.0", {"dependencies": {"a": "^1.0.0"}}),
        },
        {},
    ),
    "overrides for a range of versions, not kept to": (
        {"dependencies": {"b": "1"}, "overrides": {"a@^1": "2.0.0"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", {"dependencies": {"a": "^1.0.0"}}),
        },
        {},
    ),
    "overrides for another range": (
        {"dependencies": {"b": "1"}, "overrides": {"a@^2": "1.0.0"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", {"dependencies": {"a": "^1.0.0"}}),
        },
        {},
    ),
    "overrides of what the project itself asks for": (
        {"dependencies": {"a": "^1"}, "overrides": {"a": "2.0.0"}},
        {"node_modules/a": ("2.0.0", {})},
        {},
    ),
    "nested overrides, kept to": (
        {"dependencies": {"a": "^1", "c": "1"}, "overrides": {"c": {"a": "2.0.0"}}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/c": ("1.0.0", {"dependencies": {"a": "^1.0.0"}}),
            "node_modules/c/node_modules/a": ("2.0.0", {}),
        },
        {},
    ),
    "nested overrides, not kept to": (
        {"dependencies": {"a": "^1", "c": "1"}, "overrides": {"c": {"a": "2.0.0"}}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/c": ("1.0.0", {"dependencies": {"a": "^1.0.0"}}),
        },
        {},
    ),
    "what only a workspace reaches": (
        {"workspaces": ["w"]},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", {"dependencies": {"a": "^2.0.0"}}),
        },
        {"w": {"name": "w", "version": "1.0.0", "dependencies": {"b": "1"}}},
    ),
    "what the project and a workspace reach": (
        {"workspaces": ["w"], "dependencies": {"b": "1"}},
        {
            "node_modules/a": ("1.5.0", {}),
            "node_modules/b": ("1.0.0", {"dependencies": {"a": "^2.0.0"}}),
        },
        {"w": {"name": "w", "version": "1.0.0", "dependencies": {"b": "1"}}},
    ),
    "what a workspace asks for": (
        {"workspaces": ["w"]},
        {"node_modules/a": ("1.5.0", {})},
        {"w": {"name": "w", "version": "1.0.0", "dependencies": {"a": "^2.0.0"}}},
    ),
    "a workspace's peer that another contradicts": (
        {"workspaces": ["w", "v"]},
        {"node_modules/a": ("1.5.0", {})},
        {
            "w": {"name": "w", "version": "1.0.0", **A_2},
            "v": {"name": "v", "version": "1.0.0", "dependencies": {"a": "^1"}},
        },
    ),
    "an entry without a version that nobody asks for": (
        {"dependencies": {"b": "1"}},
        {"node_modules/b": ("1.0.0", {}), "node_modules/z": ("", {})},
        {},
    ),
    "an entry without a version that somebody asks for": (
        {"dependencies": {"b": "1"}},
        {"node_modules/b": ("1.0.0", {"dependencies": {"a": "1"}}), "node_modules/a": ("", {})},
        {},
    ),
    "what the bundling package asks for is not looked at": (
        {"dependencies": {"b": "1"}},
        {
            "node_modules/b": (
                "1.0.0",
                {"dependencies": {"a": "^2.0.0"}, "bundleDependencies": ["a"]},
            ),
        },
        {},
    ),
}


# What disagrees, of each case above; npm is asked for all of them below.
EXPECTED: dict[str, list[str]] = {
    "a peer that the project itself contradicts": [
        "node_modules/b asks for the peer a@^2.0.0, the lock has a@1.5.0"
    ],
    "a peer that the lock contradicts, though the project would take it": [
        "node_modules/b asks for a@^2.0.0, the lock has a@1.5.0"
    ],
    "two peers that contradict each other, one of them the project's": [
        "node_modules/c asks for the peer a@^2.0.0, the lock has a@1.5.0"
    ],
    "two packages' peers that contradict each other": [
        "node_modules/c asks for a@^2.0.0, the lock has a@1.5.0"
    ],
    "a missing peer of a package": ["node_modules/b asks for a@>=1, which is not in the lock"],
    "a missing optional dependency of a package": [
        "node_modules/b asks for a@1, which is not in the lock"
    ],
    "overrides for a range of versions, not kept to": [
        "node_modules/b, under overrides, asks for a@2.0.0, the lock has a@1.5.0"
    ],
    "overrides of what the project itself asks for": [
        (
            "package.json, whose overrides contradict its own a@^1 (npm: EOVERRIDE), "
            "asks for a@2.0.0, the lock has a@2.0.0"
        ),
    ],
    "nested overrides, not kept to": [
        "node_modules/c, under overrides, asks for a@2.0.0, the lock has a@1.5.0"
    ],
    "what the project and a workspace reach": [
        "node_modules/b asks for a@^2.0.0, the lock has a@1.5.0"
    ],
    "what a workspace asks for": ["w/package.json asks for a@^2.0.0, the lock has a@1.5.0"],
    "a workspace's peer that another contradicts": [
        "w/package.json asks for a@^2.0.0, the lock has a@1.5.0"
    ],
    "an entry without a version that somebody asks for": [
        "node_modules/b asks for a@1, the lock has a@"
    ],
}


def lay_out(
    directory: Path, case: str, base: str, data: dict[tuple[str, str], bytes]
) -> list[Disagreement]:
    """Write a case's project; returns what is found to disagree."""
    asked, locked, workspaces = CASES[case]
    packages: dict[str, Fields] = {"": {"name": "p", "version": "1.0.0", **asked}}
    for path, (version, fields) in locked.items():
        name = path.rpartition("/")[2]
        packages[path] = (
            {}
            if not version
            else {
                "version": version,
                "resolved": f"{base}{name}/-/{name}-{version}.tgz",
                "integrity": sri(data.get((name, version), b"")),
                **fields,
            }
        )
    for place, manifest in {"": packages[""], **workspaces}.items():
        (directory / place).mkdir(parents=True)
        (directory / place / "package.json").write_text(json.dumps(manifest))
        if place:
            packages[place] = manifest
            packages[f"node_modules/{place}"] = {"link": True, "resolved": place}
    lock = directory / "package-lock.json"
    lock.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    manifests = read_manifests(read_lock(lock), directory)
    assert manifests is not None
    return disagreements(read_lock(lock), manifests)


@pytest.mark.parametrize("case", CASES)
def test_what_disagrees_is_named(tmp_path: Path, case: str) -> None:
    found = lay_out(tmp_path / "p", case, "https://registry.example/", {})
    assert [str(item) for item in found] == EXPECTED.get(case, [])


@pytest.mark.npm
@pytest.mark.parametrize("case", CASES)
def test_npm_ci_accepts_and_refuses_the_same(home: Path, registry: Registry, case: str) -> None:
    data = {}
    for name in ("a", "b", "c", "d"):
        for version in VERSIONS:
            data[name, version] = registry.publish(name, version)
        registry.packages[name]["dist-tags"] = {"latest": VERSIONS[-1]}
    for path, (version, fields) in CASES[case][1].items():
        if version:
            registry.packages[path.rpartition("/")[2]]["versions"][version] |= fields
    found = lay_out(home / "p", case, registry.base, data)
    done = subprocess.run(
        ["npm", "ci", "--dry-run", "--no-audit", f"--registry={registry.base}"],
        cwd=home / "p",
        env=environment(home),
        capture_output=True,
        text=True,
    )
    assert bool(found) == (done.returncode != 0), (list(map(str, found)), done.stderr)
    if "ERESOLVE" in done.stderr.partition("npm error")[2]:
        assert any(item.conflict for item in found)
