"""What belongs to a tree is decided once: the documented call gives npm's tree, both of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.verify.compare import differences
from tests.support.archives import package
from tests.support.nix import HOST_TOOLS
from tests.support.projects import ROOT, environment, run_program
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = [pytest.mark.nix, pytest.mark.npm]

Fields = dict[str, Any]

NEEDS_C = {"optionalDependencies": {"c": "1.0.0"}}
PEER_C = {"peerDependencies": {"c": "1.0.0"}}

# package.json; what the lock's root says; .npmrc; install path → the lock's other fields.
CASES: dict[str, tuple[Fields, Fields | None, str, dict[str, Fields]]] = {
    "what production needs, marked as development": (
        {"dependencies": {"a": "1.0.0"}, "devDependencies": {"b": "1.0.0"}},
        None,
        "",
        {"a": NEEDS_C, "b": {"dev": True, **NEEDS_C}, "c": {"dev": True, "optional": True}},
    ),
    "what package.json no longer asks for": (
        {"dependencies": {"a": "1.0.0"}},
        {"dependencies": {"a": "1.0.0", "b": "1.0.0"}},
        "",
        {"a": {}, "b": {"dependencies": {"c": "1.0.0"}}, "c": {}},
    ),
    "what moved to development": (
        {"dependencies": {"a": "1.0.0"}, "devDependencies": {"b": "1.0.0"}},
        {"dependencies": {"a": "1.0.0", "b": "1.0.0"}},
        "",
        {"a": {}, "b": {}},
    ),
    "peers that do not count": (
        {"dependencies": {"a": "1.0.0"}},
        None,
        "legacy-peer-deps=true\n",
        {"a": PEER_C, "c": {"peer": True}},
    ),
    "groups and commands that .npmrc leaves out": (
        {"dependencies": {"a": "1.0.0"}, "devDependencies": {"b": "1.0.0"}},
        None,
        "omit=dev\nbin-links=false\n",
        {"a": {"bin": {"a": "a.js"}}, "b": {"dev": True}},
    ),
    "another platform": (
        {"dependencies": {"a": "1.0.0"}},
        None,
        "os=darwin\n",
        {
            "a": {"optionalDependencies": {"b": "1.0.0", "c": "1.0.0"}},
            "b": {"optional": True, "os": ["darwin"]},
            "c": {"optional": True, "os": ["linux"]},
        },
    ),
}


def make(
    directory: Path, registry: Registry, case: tuple[Fields, Fields | None, str, dict[str, Fields]]
) -> None:
    asked, recorded, npmrc, locked = case
    head = {"name": "project", "version": "1.0.0"}
    packages: dict[str, Fields] = {"": {**head, **(asked if recorded is None else recorded)}}
    for name, fields in locked.items():
        data = package(name, **fields)
        registry.answers[f"/{name}/-/{name}-1.0.0.tgz"] = Answer(body=data)
        packages[f"node_modules/{name}"] = {
            "version": "1.0.0",
            "resolved": f"{registry.base}{name}/-/{name}-1.0.0.tgz",
            "integrity": sri(data),
            **fields,
        }
    directory.mkdir()
    (directory / "package.json").write_text(json.dumps({**head, **asked}, indent=4))
    (directory / ".npmrc").write_text(npmrc)
    (directory / "package-lock.json").write_text(
        json.dumps({**head, "lockfileVersion": 3, "packages": packages}, indent=2)
    )


@pytest.mark.parametrize("case", CASES)
def test_both_trees_are_npms(
    tmp_path: Path, nix: Nix, registry: Registry, home: Path, case: str
) -> None:
    directory = tmp_path / "project"
    make(directory, registry, CASES[case])
    run = run_program("generate", directory, "--registry", registry.base, home=home)
    assert run.status == 0, run.stderr
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    npm = subprocess.run(["npm", "--version"], capture_output=True, text=True, check=True)
    for omit in ([], ["dev"]):
        groups = f"omit = [ {' '.join(json.dumps(group) for group in omit)} ];" if omit else ""
        expression = f"""
          (import {ROOT}/nix {{
            pkgs = import {ROOT}/tests/nix/toolchain.nix {{
              nodeVersion = "{node.stdout.strip()[1:]}"; }};
            registry = "{registry.base}"; }}).mkNodeModules {{
            packages = {directory}/node-packages.nix;
            lock = {directory}/package-lock.json;
            npmVersion = "{npm.stdout.strip()}";
            {groups} }}"""
        built = nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", expression)
        flags = [f"--registry={registry.base}", *(f"--omit={group}" for group in omit)]
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *flags],
            cwd=directory,
            env=environment(home),
            check=True,
            capture_output=True,
        )
        ours = Path(built.stdout.strip()) / "node_modules"
        found = [
            str(one)
            for one in differences(ours, directory / "node_modules")
            if one.aspect != "mode"  # a store has modes of its own
        ]
        assert found == [], omit
