"""verify on every kind of source that is no registry's, in locks that npm wrote."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.git import serve_git
from tests.support.projects import npm_environment, run_program
from tests.support.registry import Answer, serve_registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.npm


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_sources_of_every_kind_are_assembled_as_npm_ci_installs_them(
    home: Path, tmp_path: Path, registry: Registry, version: str
) -> None:
    project = home / "project"
    script = Member("package/cli.js", b"#!/usr/bin/env node\r\n")
    with serve_git(tmp_path / "forge") as forge, serve_registry() as other:
        for name, path in (("query", "/q.tgz?a=1&b=%20x"), ("named", "/%40odd%20name!.tgz")):
            data = package(name, script, bin={name: "cli.js"})
            registry.answers[path.replace("%20", " ").replace("%40", "@")] = Answer(body=data)
        other.answers["/elsewhere"] = Answer(body=package("moved", script))
        registry.answers["/moved"] = Answer(302, headers={"Location": f"{other.base}elsewhere"})
        files = {"package.json": '{"name": "plain", "version": "1.0.0"}', "a": "a"}
        plain = forge.commit("plain", files)
        manifest = {"name": "nested", "version": "1.0.0", "bin": "b.sh"}
        nested = forge.commit("mono", {"pkg/package.json": json.dumps(manifest), "pkg/b.sh*": "b"})
        (project / "vendor").mkdir(parents=True)
        (project / "vendor/local.tgz").write_bytes(package("local", script))
        for place, content in {
            "linked/package.json": {"name": "linked", "version": "1.0.0", "bin": "l.js"},
            "packages/@s/w/package.json": {"name": "@s/w", "version": "1.0.0"},
        }.items():
            (project / place).parent.mkdir(parents=True)
            (project / place).write_text(json.dumps(content))
        (project / "linked/l.js").write_text("l")
        root = {
            "name": "project",
            "version": "1.0.0",
            "workspaces": ["packages/{@s,none}/*"],
            "dependencies": {
                "query": f"{registry.base}q.tgz?a=1&b=%20x",
                "named": f"{registry.base}%40odd%20name!.tgz",
                "moved": f"{registry.base}moved",
                "plain": f"git+{forge.base}plain.git#{plain}",
                "nested": f"git+{forge.base}mono.git#{nested}::path:pkg",
                "local": "file:vendor/local.tgz",
                "linked": "file:linked",
            },
        }
        (project / "package.json").write_text(json.dumps(root))
        flags = (f"--registry={registry.base}", f"--cache={home}/npm", "--no-audit", "--no-fund")
        made = subprocess.run(
            ["npm", "install", "--package-lock-only", f"--lockfile-version={version}", *flags],
            cwd=project,
            env=npm_environment(home),
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        options = ("--cache-dir", home / "cache", "--registry", registry.base)
        verified = run_program("verify", project, *options, "--json", home=home)
        if version == "1":  # npm 11 refuses its own such locks: they lack the tarballs' versions
            assert "lock file's query@ does not satisfy query@1.0.0" in verified.stderr
        else:
            assert verified.status == 0, verified.stdout + verified.stderr
            trees = verified.json["trees"]
            assert [tree["differences"] for tree in trees] == [[], []]
            assert trees[0]["paths"] > 15
        written = run_program("generate", project, *options, "--require-canonical", home=home)
        assert written.status == 0, written.stderr
        asked = registry.connections, other.connections, len(forge.requests)
        again = run_program("generate", project, *options, "--check", home=home)
        assert again.status == 0, again.stdout
        assert (registry.connections, other.connections, len(forge.requests)) == asked
