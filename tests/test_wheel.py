"""The wheel, installed into an empty environment: it has all that a user needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.nix import HOST_TOOLS, Nix
from tests.support.projects import ROOT, locked, write_lock
from tests.support.registry import serve_registry
from tests.support.tarballs import sri

pytestmark = pytest.mark.registry


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        env={**os.environ, **env, "PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.nix
@pytest.mark.npm
def test_the_wheel_translates_and_builds_a_project(tmp_path: Path, nix: Nix) -> None:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "npm2nixlite/share/nix/lib/mk-node-modules.nix" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "-q", wheel)
    program = tmp_path / "venv/bin/npm2nixlite"
    for installed in (
        "man/man1/npm2nixlite.1",
        "bash-completion/completions/npm2nixlite",
        "zsh/site-functions/_npm2nixlite",
        "fish/vendor_completions.d/npm2nixlite.fish",
    ):
        assert (tmp_path / "venv/share" / installed).is_file()
    library = run(program, "nix-dir").strip()
    assert library.startswith(str(tmp_path / "venv"))
    project = tmp_path / "project"
    with serve_registry() as registry:
        root = {"name": "project", "version": "1.0.0", "dependencies": {"a": "1.0.0"}}
        entry = locked(integrity=sri(registry.publish("a")))
        write_lock(project, {"": root, "node_modules/a": entry})
        run(program, "generate", project, "--registry", registry.base, HOME=str(tmp_path))
        expression = f"""
          (import {library} {{
            pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
            registry = "{registry.base}";
          }}).mkNodeModules {{
            packages = {project}/node-packages.nix;
            lock = {project}/package-lock.json;
          }}
        """
        done = nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", expression)
    built = Path(done.stdout.strip())
    assert (built / "node_modules/a/package.json").is_file()
