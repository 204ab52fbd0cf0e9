"""The flake and its templates: by Nix's own commands, pure, with a stand-in for nixpkgs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.nix import HOST_TOOLS
from tests.support.projects import ROOT, run_program

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

HERE = ROOT / "tests/nix"
SYSTEMS = {"aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"}
TEMPLATES = {
    "application": (["bin/application", "you"], "Hello, you!\n"),
    "native-addon": (["bin/add", "40", "2"], "42\n"),
    "workspace": (["bin/greet", "you"], "Hello, you!\n"),
}
"""What a template builds, run, and what that says."""


class Flakes:
    """Copies of this program's flake and of a stand-in for nixpkgs, which ``nixpkgs`` means."""

    def __init__(self, directory: Path, nix: Nix, registry: str) -> None:
        nixpkgs = directory / "nixpkgs"
        shutil.copytree(HERE / "flake", nixpkgs)
        for file in [*HERE.glob("*.nix"), *HERE.glob("*.sh")]:
            shutil.copy(file, nixpkgs)
        (nixpkgs / "registry.nix").write_text(f'"{registry}"\n')
        self.program = directory / "program"
        own = ("flake.nix", "nix", "npm2nixlite", "tests/nix", "fixtures/web-service")
        known = subprocess.run(
            ["git", "ls-files", "-z", *own], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in filter(None, known.stdout.split("\0")):
            (self.program / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.program / name)
        meant = {
            "from": {"type": "indirect", "id": "nixpkgs"},
            "to": {"type": "path", "path": str(nixpkgs)},
        }
        flake_registry = directory / "flake-registry.json"
        flake_registry.write_text(json.dumps({"version": 2, "flakes": [meant]}))
        _, setting, paths = HOST_TOOLS
        self._nix = nix.with_config(f"flake-registry = {flake_registry}", f"{setting} = {paths}")

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        """Run one of Nix's commands, in the program's flake unless told otherwise."""
        done = subprocess.run(
            ["nix", *map(str, command)],
            cwd=cwd or self.program,
            env=os.environ | self._nix.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True)


def test_nix_flake_check_finds_nothing_and_each_system_has_its_outputs(
    tmp_path: Path, nix: Nix
) -> None:
    flakes = Flakes(tmp_path, nix, "https://registry.example/")
    flakes.run("flake", "check", "--no-build")
    for output in ("packages", "legacyPackages", "devShells", "formatter", "checks"):
        told = flakes.run("eval", "--json", f".#{output}", "--apply", "builtins.attrNames")
        assert set(json.loads(told)) == SYSTEMS, output
    # as flake.nix and the documentation have it
    library = "lib: builtins.attrNames (lib.mkLib { pkgs = { }; })"
    found = set(json.loads(flakes.run("eval", "--json", ".#lib", "--apply", library)))
    assert {"buildNpmProject", "mkNodeModules", "mkDevShell"} <= found


def test_the_librarys_tests_are_a_check_which_fails_where_one_does(
    tmp_path: Path, nix: Nix
) -> None:
    flakes = Flakes(tmp_path, nix, "https://registry.example/")
    check = f".#checks.{nix.eval('builtins.currentSystem')}.library"
    flakes.run("build", "--out-link", tmp_path / "result", check)
    assert (tmp_path / "result").read_text().endswith(" tests\n")
    platform = flakes.program / "nix/lib/platform.nix"
    platform.write_text(platform.read_text().replace("arm64", "arm32"))
    with pytest.raises(AssertionError, match=r"not as expected: .*platforms"):
        flakes.run("build", "--no-link", check)


@pytest.mark.npm
@pytest.mark.registry
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_builds_runs_and_has_a_shell(
    tmp_path: Path, home: Path, nix: Nix, public_registry: str, template: str
) -> None:
    if template == "native-addon" and not Path("/usr/include/node/node_api.h").exists():
        pytest.skip("there are no headers of Node.js")
    flakes = Flakes(tmp_path, nix, public_registry)
    project = tmp_path / template
    project.mkdir()
    git(project, "init", "--quiet")
    flakes.run("flake", "init", "--template", f"path:{flakes.program}#{template}", cwd=project)
    flake = project / "flake.nix"
    text = flake.read_text()
    assert "git+https://forge.example/npm2nixlite" in text
    here = text.replace("git+https://forge.example/npm2nixlite", f"path:{flakes.program}")
    flake.write_text(here)
    git(project, "add", "--all")

    flakes.run("build", "--out-link", tmp_path / "result", cwd=project)
    (command, *arguments), says = TEMPLATES[template]
    program = (tmp_path / "result").resolve() / command
    plain = {**os.environ, "NO_COLOR": "1"}  # a CI's logs have colours
    ran = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=True, env=plain
    )
    assert ran.stdout == says

    flakes.run("flake", "check", "--no-build", cwd=project)
    script = "command -v node && npm2nixlite && test -e node_modules/.package-lock.json"
    shell = flakes.run("develop", "--command", "sh", "-c", script, cwd=project).splitlines()
    assert shell[0].startswith(str(tmp_path))
    assert shell[1] == "stands for npm2nixlite"

    # What it comes with is what the program generates today.
    options = ("--cache-dir", home / "cache", "--registry", public_registry)
    check = run_program("generate", "--check", project, *options, home=home)
    assert check.status == 0, check.stdout + check.stderr
