"""Workspaces built in the sandbox, installed, and run: fixtures/workspace-program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.nix import Nix
from tests.support.projects import ROOT, run_program

pytestmark = [pytest.mark.nix, pytest.mark.npm, pytest.mark.registry]

HOST_TOOLS = ("--option", "extra-sandbox-paths", "/bin /usr /lib /lib64")
NAME = "fixture-workspace-program"


class Project:
    """A copy of the fixture, generated, and a store for all that is built of it."""

    def __init__(self, directory: Path, registry: str) -> None:
        self.directory, self.registry = directory / "project", registry
        self.nix = Nix(directory / "nix")
        shutil.copytree(ROOT / "fixtures/workspace-program", self.directory)
        home = directory / "home"
        home.mkdir()
        run = run_program("generate", self.directory, "--registry", registry, home=home)
        assert run.status == 0, run.stderr

    def run(self, expression: str) -> subprocess.CompletedProcess[str]:
        text = f"""
          let
            npm = import {ROOT}/nix {{
              pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
              registry = "{self.registry}";
            }};
            src = builtins.path {{ path = {self.directory}; name = "project"; }};
            packages = {self.directory}/node-packages.nix;
            lock = {self.directory}/package-lock.json;
            build = arguments: npm.buildNpmProject (
              {{ pname = "p"; version = "1"; inherit src packages lock; }} // arguments
            );
          in {expression}"""
        return self.nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", text, check=False)

    def build(self, expression: str) -> Path:
        done = self.run(expression)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    def refused(self, expression: str) -> str:
        done = self.run(expression)
        assert done.returncode, done.stdout
        return done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, public_registry: str) -> Project:
    return Project(tmp_path_factory.mktemp("workspaces"), public_registry)


def dangling(tree: Path) -> list[Path]:
    return [path for path in tree.rglob("*") if path.is_symlink() and not path.exists()]


def run_alone(command: Path) -> dict[str, str]:
    """What a command prints where there is no PATH to find anything on."""
    done = subprocess.run([command], env={}, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_one_workspace_runs_with_what_it_needs_and_no_more(project: Project) -> None:
    built = project.build('build { npmWorkspace = "packages/server"; }')
    root = built / "lib/node_modules" / NAME
    assert run_alone(built / "bin/stage-server") == {
        "greeting": "hello, server, for 1 minute",
        "place": str(root / "packages/lib/dist"),  # the built one, by its own rules of packing
        "ms": "2.0.0",  # and not the one further up
    }
    assert not dangling(built)
    assert {path.name for path in (root / "node_modules").iterdir()} == {
        *(".bin", ".package-lock.json", "@stage", "ms"),
    }
    assert {path.name for path in (root / "packages").iterdir()} == {"lib", "server"}
    assert not (root / "packages/server/src").exists()  # its `files` do not name it
    assert (built / "lib/node_modules/@stage/server/dist/server.js").is_file()
    closure = project.nix.run("nix-store", "-qR", built).stdout.split()
    assert not [path for path in closure if path.endswith((".tgz", ".json", "python3"))]


def test_what_only_a_workspaces_development_needs_is_built_and_not_installed(
    project: Project,
) -> None:
    built = project.build('build { npmWorkspace = "@stage/client"; }')
    root = built / "lib/node_modules" / NAME
    page = (root / "packages/client/dist/index.html").read_text()
    assert page == "<p>hello, client, for 1 minute</p>\n"
    assert {path.name for path in (root / "packages").iterdir()} == {"client"}
    assert not (root / "node_modules/ms").exists()


@pytest.mark.parametrize("named", ['[ "packages/client" "@stage/server" ]', '"packages"'])
def test_several_workspaces_are_installed_beside_each_other(project: Project, named: str) -> None:
    built = project.build(f"build {{ npmWorkspace = {named}; }}")
    assert run_alone(built / "bin/stage-server")["ms"] == "2.0.0"
    assert (built / "lib/node_modules/@stage/client/dist/index.html").is_file()
    assert (built / f"lib/node_modules/{NAME}/node_modules/picocolors/package.json").is_file()
    assert not dangling(built)


def test_the_root_is_installed_with_all_its_workspaces(project: Project) -> None:
    built = project.build(
        """build { buildPhase = ''
          for name in lib server client; do npm run build --workspace=packages/$name; done
        ''; }"""
    )
    root = built / "lib/node_modules" / NAME
    assert run_alone(root / "node_modules/.bin/stage-server")["place"].startswith(str(built))
    assert (root / "packages/client/dist/index.html").is_file()
    assert not (root / "node_modules/mustache").exists()
    assert not dangling(built)


def test_a_root_without_a_build_script_says_how_to_build_workspaces(project: Project) -> None:
    said = project.refused("build { }")
    assert "package.json: there is no script 'build'" in said
    assert 'npmWorkspace = "packages/client"' in said


def test_an_unknown_workspace_is_an_error_that_lists_those_there_are(project: Project) -> None:
    said = project.refused('build { npmWorkspace = "packages/nobody"; }')
    assert "there is no workspace 'packages/nobody'" in said
    assert "packages/server" in said


@pytest.mark.parametrize("more", ["", 'workspace = "packages/server";'])
def test_a_tree_whose_links_lead_to_nothing_is_no_green_build(project: Project, more: str) -> None:
    said = project.refused(f"npm.mkNodeModules {{ inherit packages lock; {more} }}")
    assert "node_modules/@stage/lib leads to ../../packages/lib" in said
    assert "src = ./." in said


def test_a_tree_of_one_workspace_has_its_dependencies_only(project: Project) -> None:
    tree = project.build(
        """npm.mkNodeModules {
          inherit packages lock src; workspace = "packages/client"; omit = [ "dev" ]; }"""
    )
    assert {path.name for path in (tree / "node_modules").iterdir()} == {
        *(".package-lock.json", "@stage", "picocolors"),
    }
    assert (tree / "node_modules/@stage/client/src/build.js").is_file()
    assert not dangling(tree)


def test_what_npm_ci_makes_of_a_workspace_is_what_it_builds_with(
    project: Project, tmp_path: Path
) -> None:
    """The build's own tree, links and all, beside npm's."""
    built = project.build(
        'build { dontNpmBuild = true; installPhase = "cp -R . $out"; dontFixup = true; }'
    )
    theirs = tmp_path / "theirs"
    shutil.copytree(project.directory, theirs)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", f"--registry={project.registry}"],
        cwd=theirs, check=True, capture_output=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip

    def links(tree: Path) -> dict[str, Path]:
        return {
            str(path.relative_to(tree)): path.readlink()
            for path in tree.rglob("*")
            if path.is_symlink()
        }

    def files(tree: Path) -> set[str]:
        return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}

    assert links(built) == links(theirs)
    assert files(built) == files(theirs)
