"""A project whose postinstall needs the network, built from the registry npm is configured for."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.container_host import Yard
    from tests.support.projects import Run

pytestmark = [pytest.mark.container, pytest.mark.npm, pytest.mark.registry]

# What no fixed output can hold: it asks somebody else at install time.
_POSTINSTALL = """\
const [base] = process.argv.slice(2);
fetch(new URL('is-number/7.0.0', base))
  .then((answer) => answer.json())
  .then(({ name, version }) => require('fs').writeFileSync('asked.txt', `${name}@${version}`));
"""
_BUILD = """\
const isNumber = require('is-number');
const asked = require('fs').readFileSync('asked.txt', 'utf8');
require('fs').writeFileSync('answer.txt', `GREETING ${asked} ${isNumber('5')}\\n`);
"""


def write_project(directory: Path, registry: str, greeting: str) -> None:
    manifest = {
        "name": "web-site",
        "version": "1.0.0",
        "dependencies": {"is-number": "7.0.0"},
        "scripts": {"postinstall": f"node ask.js {registry}", "build": "node build.js"},
    }
    (directory / "package.json").write_text(json.dumps(manifest))
    (directory / "ask.js").write_text(_POSTINSTALL)
    (directory / "build.js").write_text(_BUILD.replace("GREETING", greeting))
    if not (directory / "package-lock.json").exists():
        subprocess.run(
            ["npm", "install", "--package-lock-only", "--ignore-scripts"],
            cwd=directory,
            check=True,
            capture_output=True,
        )


def certificates() -> list[str]:
    """npm's own setting, where this machine has one."""
    file = subprocess.run(
        ["npm", "config", "get", "cafile"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return [f"--cafile={file}"] if file.startswith("/") else []


def test_a_build_that_needs_the_network_from_first_run_to_failure(
    yard: Yard, public_registry: str
) -> None:
    def build() -> Run:
        return yard.build("--json", f"--registry={public_registry}", *certificates())

    write_project(yard.source, public_registry, "hello")
    run = build()
    assert run.status == 0, run.stderr + yard.log.read_text()
    first = run.json["containerBuild"]
    assert first["action"] == "built"
    assert first["container"] == f"websitebuild{first['hash'][:8]}"
    assert yard.hash() == first["hash"]
    assert yard.answer() == "hello is-number@7.0.0 true"
    assert "added 1 package" in yard.log.read_text()

    log_before = yard.log.stat()
    run = build()
    assert run.status == 0, run.stderr
    assert run.json["containerBuild"]["action"] == "nothing"
    assert yard.restarts() == 1
    assert yard.log.stat() == log_before

    write_project(yard.source, public_registry, "goodbye")
    run = build()
    assert run.status == 0, run.stderr
    assert run.json["containerBuild"]["action"] == "built"
    assert yard.hash() == run.json["containerBuild"]["hash"] != first["hash"]
    assert yard.answer() == "goodbye is-number@7.0.0 true"
    assert yard.restarts() == 2
    assert yard.is_tidy()

    (yard.source / "build.js").write_text("throw new Error('it does not build');")
    current = yard.hash()
    run = build()
    assert run.status == 4
    assert "it does not build" in yard.log.read_text()
    assert str(yard.log) in run.stderr
    assert yard.hash() == current
    assert yard.answer() == "goodbye is-number@7.0.0 true"
    assert yard.restarts() == 2
    assert yard.is_tidy()
    assert yard.status()["lastFailure"]["step"] == "building"


def test_npm_ci_is_what_installs_so_a_stale_lock_is_an_error(
    yard: Yard, public_registry: str
) -> None:
    write_project(yard.source, public_registry, "hello")
    manifest = json.loads((yard.source / "package.json").read_text())
    manifest["dependencies"]["is-number"] = "6.0.0"
    (yard.source / "package.json").write_text(json.dumps(manifest))
    run = yard.build(f"--registry={public_registry}", *certificates())
    assert run.status == 4
    assert "npm ci" in yard.log.read_text()
    assert not yard.current.exists()
