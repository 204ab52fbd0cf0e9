"""Whose install scripts run: held against the installed npm's own matcher."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.agreement.allow_scripts import decide, read_policy, scripts_of_project
from npm2nixlite.errors import InputError
from npm2nixlite.lock.parse import read_lock
from tests.support.projects import run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.lock.model import Lock
    from tests.support.registry import Registry

BASE = "https://registry.example/"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENTRIES: dict[str, Any] = {
    "node_modules/a": {"version": "1.0.0", "resolved": f"{BASE}a/-/a-1.0.0.tgz"},
    "node_modules/alias": {
        "name": "a", "version": "2.0.0", "resolved": f"{BASE}a/-/a-2.0.0.tgz",
    },
    "node_modules/@s/b": {"version": "1.0.0-rc.1", "resolved": f"{BASE}@s/b/-/b-1.0.0-rc.1.tgz"},
    "node_modules/far": {"version": "1.0.0", "resolved": "https://files.example/far.tgz"},
    "node_modules/git": {"version": "1.0.0", "resolved": f"git+ssh://git@github.com/o/git.git#{COMMIT}"},
    "node_modules/file": {"version": "1.0.0", "resolved": "file:vendor/file.tgz"},
    "node_modules/bundled": {"version": "1.0.0", "inBundle": True},
}  # fmt: skip
POLICIES: list[dict[str, bool]] = [
    {"a": True},
    {"a@1.0.0": True},
    {"a@1.0.0 || 2.0.0": True},
    {"a@*": True, "a@2.0.0": False},
    {"a": True, "@s/b": False, "@s/b@1.0.0-rc.1": True},
    {"a@^1.0.0": True},
    {"a@1": True},
    {"a@latest": True},
    {"@s/b@1.0.0-rc.1": True},
    {"alias": True},
    {"a@npm:b@1.0.0": True},
    {"far": True},
    {"https://files.example/far.tgz": True},
    {"git": True},
    {"o/git": True},
    {"github:o/git#0123456": True},
    {"git+https://github.com/o/git.git#0123456": True},
    {f"git@github:o/git#{COMMIT}": True},
    {"github:o/git#9": True},
    {"github:other/git": True},
    {"file": True},
    {"file:vendor/file.tgz": True},
    {"bundled": True, "bundled@1.0.0": True},
    {"": True},
]
ASK = """
const { isScriptAllowed } = require(process.argv[1]);
const [nodes, policies] = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(policies.map((policy) => nodes.map((node) =>
  isScriptAllowed(node, policy)))));
"""


def lock_of(directory: Path, entries: dict[str, Any]) -> Lock:
    integrity = sri(b"x")
    filled = {
        path: entry if "inBundle" in entry or "git+" in entry.get("resolved", "")
        else {"integrity": integrity, **entry}
        for path, entry in entries.items()
    }  # fmt: skip
    return read_lock(write_lock(directory, filled))


@pytest.mark.npm
def test_policies_mean_what_they_mean_to_npm(tmp_path: Path) -> None:
    root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=True)
    matcher = f"{root.stdout.strip()}/npm/node_modules/@npmcli/arborist/lib/script-allowed.js"
    nodes = [{"inBundle": False, **entry} for entry in ENTRIES.values()]
    asked = subprocess.run(
        ["node", "-e", ASK, matcher],
        input=json.dumps([nodes, POLICIES]),
        capture_output=True,
        text=True,
    )
    if "MODULE_NOT_FOUND" in asked.stderr:
        pytest.skip("this npm knows no allowScripts")
    assert asked.returncode == 0, asked.stderr
    lock = lock_of(tmp_path, ENTRIES)
    for policy, theirs in zip(POLICIES, json.loads(asked.stdout), strict=True):
        ours = decide(lock, policy).decided
        assert [ours.get(path) for path in ENTRIES] == theirs, policy


def test_without_an_address_in_the_lock_no_version_is_taken_for_granted(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, {"node_modules/a": {"version": "1.0.0"}})
    assert decide(lock, {"a@1.0.0": True}).decided == {}
    assert decide(lock, {"a@2.0.0": False}).decided == {"node_modules/a": False}
    assert decide(lock, {"a": True}).decided == {"node_modules/a": True}


def test_what_npm_passes_over_is_told(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, ENTRIES)
    found = decide(lock, {"a@^1": True, "a@latest": True, "a@1.0.0": True, "o/git": True})
    assert {key: why.partition(";")[0] for key, why in found.ignored.items()} == {
        "a@^1": "it is a range",
        "a@latest": "it is a tag",
    }


def test_undecided_are_those_with_scripts_that_are_installed_here(tmp_path: Path) -> None:
    script = {"version": "1.0.0", "hasInstallScript": True}
    lock = lock_of(
        tmp_path,
        {
            "node_modules/a": script,
            "node_modules/b": {**script, "optional": True, "os": ["aix"]},
            "node_modules/c": script,
            "node_modules/d": {"version": "1.0.0"},
        },
    )
    assert decide(lock, {"c": False}).undecided_labels == ["a@1.0.0"]


def test_package_json_goes_before_npmrc() -> None:
    settings = {"allow-scripts": "a, @s/b"}
    assert read_policy({}, settings) == {"a": True, "@s/b": True}
    assert read_policy({"allowScripts": {}}, settings) == {"a": True, "@s/b": True}
    assert read_policy({"allowScripts": {"c": False, "d": "yes"}}, settings) == {"c": False}


def test_strict_makes_the_undecided_an_error(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, {"node_modules/a": {"version": "1.0.0", "hasInstallScript": True}})
    assert scripts_of_project(lock, {}).undecided_labels == ["a@1.0.0"]
    with pytest.raises(InputError, match=r"strict-allow-scripts: 1 package .*\n  a@1.0.0"):
        scripts_of_project(lock, {"strict-allow-scripts": "true"})


def test_generate_records_what_is_decided_and_names_the_rest(
    tmp_path: Path, home: Path, registry: Registry
) -> None:
    from tests.support.archives import package
    from tests.support.registry import Answer

    entries = {}
    for name in ("a", "b", "c"):
        data = package(name, scripts={"install": "true"})
        registry.answers[f"/{name}/-/{name}-1.0.0.tgz"] = Answer(body=data)
        entries[f"node_modules/{name}"] = {
            "version": "1.0.0", "integrity": sri(data), "hasInstallScript": True,
        }  # fmt: skip
    project = tmp_path / "project"
    project.mkdir()
    lock = json.loads(write_lock(project, entries).read_text())
    own = {"name": "p", "version": "1.0.0", "dependencies": dict.fromkeys("abc", "1.0.0")}
    lock["packages"][""] = own
    (project / "package-lock.json").write_text(json.dumps(lock))
    (project / "package.json").write_text(
        json.dumps({**own, "allowScripts": {"a": True, "b": False}})
    )
    run = run_program("generate", project, "--registry", registry.base, "--json", home=home)
    assert run.status == 0, run.stderr
    assert run.json["projects"][0]["scriptsUndecided"] == ["c@1.0.0"]
    lines = (project / "node-packages.nix").read_text().splitlines()
    flags = {name: next(line for line in lines if f'"{name}/-/' in line) for name in "abc"}
    assert "scriptsAllowed = true; }" in flags["a"]
    assert "scriptsDenied = true; }" in flags["b"]
    assert "scripts" not in flags["c"]
    again = run_program("generate", project, "--registry", registry.base, "--check", home=home)
    assert again.status == 0, again.stdout
    assert "do not run: c@1.0.0" in again.stdout + again.stderr
