"""Git dependencies: packed in the sandbox, and compared with what npm ci makes of them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.git import git, serve_git
from tests.support.nix import HOST_TOOLS
from tests.support.projects import ROOT, npm_environment, run_program, write_lock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry


@pytest.mark.nix
@pytest.mark.npm
@pytest.mark.parametrize("directory", ["", "packages/g/"])
def test_a_git_dependency_is_what_npm_makes_of_it(
    home: Path, tmp_path: Path, registry: Registry, nix: Nix, directory: str
) -> None:
    fields = {"name": "g0", "version": "1.0.0", "bin": {"g": "./bin/cli.js"}, "files": ["lib"]}
    files = {
        "package.json": json.dumps(fields),
        "bin/cli.js": "#!/usr/bin/env node\r\n",
        "lib/a.js": "a",
        "lib/run*": "x",
        "lib/.gitignore": "skipped\n",
        "lib/skipped": "",
        "test/t": "",
        "README": "r",
    }
    with serve_git(tmp_path / "forge") as forge:
        forge.commit("inner", {"inner.txt": "i"})
        forge.commit("g", {directory + path: content for path, content in files.items()})
        git(forge.root / "work/g", "remote", "add", "origin", f"{forge.base}g.git")
        add = ("submodule", "add", "../inner.git", f"{directory}lib/sub")
        rev = forge.commit("g", {}, more=add)
        address = f"git+{forge.base}g.git#{rev}"
        address += f"::path:{directory.rstrip('/')}" if directory else ""
        project = home / "project"
        entry = {"version": "1.0.0", "resolved": address, "bin": {"g": "bin/cli.js"}}
        lock = write_lock(project, {"node_modules/g0": entry})
        content = json.loads(lock.read_text())
        content["packages"][""]["dependencies"] = {"g0": address}
        lock.write_text(json.dumps(content))
        (project / "package.json").write_text(json.dumps(content["packages"][""]))
        options = ("--cache-dir", home / "cache", "--registry", registry.base)
        run = run_program("verify", project, *options, home=home)
        assert run.status == 0, run.stdout + run.stderr
        assert run_program("generate", project, *options, home=home).status == 0
        expression = f"""
          (import {ROOT}/nix {{
            pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
            registry = "{registry.base}";
          }}).mkNodeModules {{
            packages = {project}/node-packages.nix; lock = {project}/package-lock.json;
          }}"""
        built = nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", expression)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-update-notifier"],
            cwd=project,
            env=npm_environment(home),
            capture_output=True,
            check=True,
        )
    same = subprocess.run(
        ["diff", "-r", f"{built.stdout.strip()}/node_modules/g0", project / "node_modules/g0"],
        capture_output=True,
        text=True,
    )
    assert same.returncode == 0, same.stdout
    assert (project / "node_modules/g0/lib/sub/inner.txt").exists()
    assert not (project / "node_modules/g0/test").exists()
