"""Which locks are out of step with package.json: as npm ci has it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import nodesemver
import pytest

from npm2nixlite.agreement.check import check_agreement, disagreements
from npm2nixlite.agreement.manifests import read_manifests
from npm2nixlite.config.tree_settings import TreeSettings
from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.versions import in_range
from tests.support.projects import ROOT, environment
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

HASH = sri(b"x")


def project(
    directory: Path,
    asked: dict[str, Any],
    packages: dict[str, Any],
    recorded: dict[str, Any] | None = None,
) -> Path:
    """A project whose package.json has these fields; the lock was made from others."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(json.dumps({"name": "p", "version": "1.0.0", **asked}))
    root = {"name": "p", "version": "1.0.0", **(asked if recorded is None else recorded)}
    lock = {"lockfileVersion": 3, "packages": {"": root, **packages}}
    (directory / "package-lock.json").write_text(json.dumps(lock))
    return directory


def found(directory: Path, *, peers: bool = True) -> list[str]:
    lock = read_lock(find_lock(directory))
    manifests = read_manifests(lock, directory)
    settings = TreeSettings(legacy_peer_deps=not peers)
    return [str(item) for item in disagreements(lock, manifests, settings)] if manifests else []


A1 = {"node_modules/a": {"version": "1.2.3", "integrity": HASH}}


@pytest.mark.parametrize(
    ("wanted", "agrees"),
    [
        ("1.2.3", True),
        ("^1.0.0", True),
        ("*", True),
        ("", True),
        ("latest", True),
        (">= 1.2 <2 || 3", True),
        ("npm:b@^1", True),
        ("^2.0.0", False),
        ("1.2.4", False),
        ("npm:b@2", False),
        ("https://h.example/a.tgz", False),
        ("file:a.tgz", False),
        ("file:a", False),
        ("github:user/a", False),
        ("user/a", False),
    ],
)
def test_a_locked_version_must_fit_what_is_asked_for(
    tmp_path: Path, wanted: str, agrees: bool
) -> None:
    directory = project(tmp_path, {"dependencies": {"a": wanted}}, A1, {"dependencies": {"a": "1"}})
    expected = f"package.json asks for a@{wanted or '*'}, the lock has a@1.2.3"
    assert found(directory) == ([] if agrees else [expected])


@pytest.mark.parametrize(
    "group", ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
)
def test_what_is_not_in_the_lock_is_named_whatever_group_asks_for_it(
    tmp_path: Path, group: str
) -> None:
    directory = project(tmp_path, {group: {"b": "^1.0.0"}}, A1, {})
    assert found(directory) == ["package.json asks for b@^1.0.0, which is not in the lock"]


def test_peers_do_not_count_where_they_are_optional_or_npm_is_told_so(tmp_path: Path) -> None:
    asked = {"peerDependencies": {"b": "1"}}
    assert found(project(tmp_path, asked, {}), peers=False) == []
    meta = {"peerDependenciesMeta": {"b": {"optional": True}}}
    assert found(project(tmp_path, {**asked, **meta}, {})) == []


def test_workspaces_and_linked_directories_ask_too(tmp_path: Path) -> None:
    packages = {
        **A1,
        "node_modules/w": {"link": True, "resolved": "packages/w"},
        "packages/w": {"version": "1.0.0", "dependencies": {"a": "1"}},
    }
    directory = project(tmp_path, {"workspaces": ["packages/*"]}, packages)
    workspace = directory / "packages/w/package.json"
    workspace.parent.mkdir(parents=True)
    workspace.write_text(json.dumps({"name": "w", "version": "1.0.0", "dependencies": {"a": "2"}}))
    assert found(directory) == ["packages/w/package.json asks for a@2, the lock has a@1.2.3"]
    added = directory / "packages/new/package.json"
    added.parent.mkdir()
    added.write_text('{"name": "new"}')
    assert "package.json asks for new@file:packages/new, which is not in the lock" in found(
        directory
    )


@pytest.mark.parametrize("wanted", ["^1.0.0", "*", "file:../v"])
def test_a_workspace_may_ask_for_another_by_version_or_path(tmp_path: Path, wanted: str) -> None:
    packages = {
        "node_modules/v": {"link": True, "resolved": "packages/v"},
        "node_modules/w": {"link": True, "resolved": "packages/w"},
        "packages/v": {"version": "1.2.0"},
        "packages/w": {},
    }
    directory = project(tmp_path, {"workspaces": ["packages/*"]}, packages)
    for name, fields in (("v", {}), ("w", {"dependencies": {"v": wanted}})):
        place = directory / f"packages/{name}"
        place.mkdir(parents=True)
        manifest = {"name": name, "version": "1.2.0", **fields}
        (place / "package.json").write_text(json.dumps(manifest))
    assert found(directory) == []


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("git+https://f.example/a.git", "git+https://f.example/a.git#" + "a" * 40),
        ("github:user/a#semver:^1", "git+ssh://git@github.com/user/a.git#" + "a" * 40),
        ("https://h.example/a.tgz?x=1", "https://h.example/a.tgz?x=1"),
        ("file:./vendor/a.tgz", "file:vendor/a.tgz"),
    ],
)
def test_other_kinds_agree_where_the_lock_was_made_from_the_same_words(
    tmp_path: Path, asked: str, entry: str
) -> None:
    packages = {"node_modules/a": {"version": "1.0.0", "resolved": entry}}
    assert found(project(tmp_path, {"dependencies": {"a": asked}}, packages)) == []


def test_a_git_dependency_at_another_commit_disagrees(tmp_path: Path) -> None:
    url = "git+https://f.example/a.git#"
    packages = {"node_modules/a": {"version": "1.0.0", "resolved": url + "a" * 40}}
    asked = {"dependencies": {"a": url + "b" * 40}}
    recorded = {"dependencies": {"a": url + "a" * 40}}
    (line,) = found(project(tmp_path, asked, packages, recorded))
    assert "b" * 40 in line
    assert "a" * 40 in line


def test_a_lock_without_a_package_json_beside_it_is_taken_as_it_is(tmp_path: Path) -> None:
    directory = project(tmp_path, {"dependencies": {"b": "1"}}, A1)
    (directory / "package.json").unlink()
    assert found(directory) == []


def test_the_error_names_the_lock_what_differs_and_what_to_do(tmp_path: Path) -> None:
    directory = project(tmp_path, {"dependencies": {"a": "2", "b": "1"}}, A1, {})
    with pytest.raises(InputError, match="out of step") as caught:
        check_agreement(read_lock(find_lock(directory)))
    assert caught.value.exit_status == 2
    assert "a@2, the lock has a@1.2.3" in str(caught.value)
    assert "b@1, which is not in the lock" in str(caught.value)
    assert "npm install" in caught.value.hint


@pytest.mark.parametrize("fixture", sorted(path.name for path in (ROOT / "fixtures").glob("*/")))
def test_every_fixture_agrees_with_its_package_json(fixture: str) -> None:
    check_agreement(read_lock(find_lock(ROOT / "fixtures" / fixture)))


_CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"dependencies": {"a": "^1.0.0"}}, {"dependencies": {"a": "1.2.3"}}),
    ({"dependencies": {"a": "^2.0.0"}}, {"dependencies": {"a": "1.2.3"}}),
    ({"dependencies": {"a": "~1.1 || >= 1.3"}}, {"dependencies": {"a": "1.2.3"}}),
    ({"dependencies": {"a": "*"}, "devDependencies": {"b": "1"}}, {"dependencies": {"a": "1"}}),
    ({"optionalDependencies": {"b": "1"}}, {}),
    ({"peerDependencies": {"b": "1"}}, {}),
    ({"peerDependencies": {"b": "1"}, "peerDependenciesMeta": {"b": {"optional": True}}}, {}),
    ({}, {"dependencies": {"a": "1.2.3"}}),
    ({"dependencies": {"a": "1.2.3"}, "devDependencies": {"a": "2"}}, {}),
    ({"dependencies": {"a": "latest"}}, {"dependencies": {"a": "1.2.3"}}),
]


@pytest.mark.npm
@pytest.mark.parametrize(("asked", "recorded"), _CASES)
def test_npm_ci_refuses_the_same_locks(
    home: Path, registry: Registry, asked: dict[str, Any], recorded: dict[str, Any]
) -> None:
    packages = {}
    for name, versions in (("a", ("1.2.3", "2.0.0")), ("b", ("1.0.0",))):
        for version in versions:
            data = registry.publish(name, version)
        registry.packages[name]["dist-tags"] = {"latest": versions[-1]}
    data = registry.publish("a", "1.2.3")
    resolved = f"{registry.base}a/-/a-1.2.3.tgz"
    packages["node_modules/a"] = {"version": "1.2.3", "resolved": resolved, "integrity": sri(data)}
    directory = project(home / "p", asked, packages, recorded)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--registry", registry.base, "--no-audit"],
        cwd=directory,
        env=environment(home),
        capture_output=True,
        text=True,
    )
    refused = "are in sync" in done.stderr
    assert refused or done.returncode == 0, done.stderr
    assert bool(found(directory)) == refused, done.stderr


_NEEDS_A = {"dependencies": {"a": "^1.0.0"}}
_TRANSITIVE: list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = [
    # package.json besides c, what c asks for, install path → version of a and of d
    ({}, _NEEDS_A, {"node_modules/a": "1.2.3"}),
    ({}, _NEEDS_A, {"node_modules/a": "2.0.0"}),
    ({}, _NEEDS_A, {"node_modules/a": "2.0.0", "node_modules/c/node_modules/a": "1.2.3"}),
    ({}, _NEEDS_A, {}),
    ({}, {"optionalDependencies": {"a": "^1.0.0"}}, {}),
    ({}, {"peerDependencies": {"a": "^1.0.0"}}, {}),
    ({}, {"peerDependencies": {"a": "^1.0.0"}}, {"node_modules/a": "1.2.3"}),
    (
        {},
        {
            "peerDependencies": {"a": "^1.0.0"},
            "peerDependenciesMeta": {"a": {"optional": True}},
        },
        {},
    ),
    ({"overrides": {"a": "2.0.0"}}, _NEEDS_A, {"node_modules/a": "1.2.3"}),
    ({"overrides": {"a": "2.0.0"}}, _NEEDS_A, {"node_modules/a": "2.0.0"}),
    ({"overrides": {"a": ">=2"}}, _NEEDS_A, {"node_modules/a": "2.0.0"}),
    ({"overrides": {"c": {"a": "2.0.0"}}}, _NEEDS_A, {"node_modules/a": "1.2.3"}),
    ({"overrides": {"c": {"a": "2.0.0"}}}, _NEEDS_A, {"node_modules/a": "2.0.0"}),
    ({"overrides": {"d": {"a": "2.0.0"}}}, _NEEDS_A, {"node_modules/a": "1.2.3"}),
    ({"overrides": {"d": {"a": "2.0.0"}}}, _NEEDS_A, {"node_modules/a": "2.0.0"}),
    ({"overrides": {"a@^2": "1.2.3"}}, _NEEDS_A, {"node_modules/a": "1.2.3"}),
    (
        {"overrides": {"a": "$a"}, "dependencies": {"c": "1", "a": "2.0.0"}},
        _NEEDS_A,
        {"node_modules/a": "2.0.0"},
    ),
    ({}, {"dependencies": {"a": "npm:d@^1"}}, {"node_modules/a": "1.2.3"}),
    ({}, {"dependencies": {"a": "^1.2.3 || 3"}}, {"node_modules/a": "1.2.3"}),
    ({}, {"dependencies": {"a": "<1"}}, {"node_modules/a": "1.2.3"}),
]


@pytest.mark.npm
@pytest.mark.parametrize(("fields", "asked", "locked"), _TRANSITIVE)
def test_npm_ci_refuses_the_same_locks_for_what_their_packages_ask_for(
    home: Path,
    registry: Registry,
    fields: dict[str, Any],
    asked: dict[str, Any],
    locked: dict[str, str],
) -> None:
    data = {}
    for name, version in (("a", "0.1.0"), ("a", "1.2.3"), ("a", "2.0.0"), ("c", "1.0.0")):
        data[name, version] = registry.publish(name, version)
        registry.packages[name]["dist-tags"] = {"latest": version}
    registry.packages["c"]["versions"]["1.0.0"] |= asked

    def entry(name: str, version: str, **more: Any) -> dict[str, Any]:
        resolved = f"{registry.base}{name}/-/{name}-{version}.tgz"
        integrity = sri(data[name, version])
        return {"version": version, "resolved": resolved, "integrity": integrity, **more}

    root = {"dependencies": {"c": "1"}, **fields}
    packages = {"node_modules/c": entry("c", "1.0.0", **asked)}
    packages |= {path: entry("a", version) for path, version in locked.items()}
    directory = project(home / "p", root, packages)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--registry", registry.base, "--no-audit"],
        cwd=directory,
        env=environment(home),
        capture_output=True,
        text=True,
    )
    refused = "are in sync" in done.stderr
    assert refused or done.returncode == 0, done.stderr
    assert bool(found(directory)) == refused, done.stderr


def test_a_nested_copy_that_npm_ci_drops_for_one_further_up_is_named(tmp_path: Path) -> None:
    asked = {"overrides": {"a": "$a"}, "dependencies": {"c": "1", "a": "2.0.0"}}
    packages = {
        "node_modules/a": {"version": "2.0.0", "integrity": HASH},
        "node_modules/c": {"version": "1.0.0", "integrity": HASH, **_NEEDS_A},
        "node_modules/c/node_modules/a": {"version": "1.2.3", "integrity": HASH},
    }
    agreement = check_agreement(read_lock(find_lock(project(tmp_path, asked, packages))))
    assert agreement is not None
    assert agreement.removed == ("node_modules/c/node_modules/a",)


@pytest.mark.parametrize(
    "wanted",
    ["1", "1.2", "^1", "^1.2", "^1.2.3", "^0.2", "^0.0.3", "^0", "~1", "~1.2.3", ">=1.2", "=1.2.3"],
)
@pytest.mark.parametrize(
    "version", ["0.0.3", "0.0.4", "0.2.0", "0.3.1", "1.0.0", "1.2.3", "1.3.0", "2.0.0"]
)
def test_plain_ranges_are_read_as_the_library_reads_them(version: str, wanted: str) -> None:
    assert in_range(version, wanted) == nodesemver.satisfies(version, wanted, loose=True)
