"""Git trees and local tarballs in stores and caches, where Nix then finds them by itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import package
from tests.support.git import Forge, serve_git
from tests.support.nix import NixElsewhere
from tests.support.projects import Run, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

# nixpkgs' own is not to be had here; a fixed-output derivation, too. Building it would fail.
FETCHGIT = """
  { name, url, rev, hash, fetchSubmodules }: derivation {
    inherit name;
    system = "x86_64-linux"; builder = "/none";
    outputHashMode = "recursive"; outputHash = hash; outputHashAlgo = "sha256";
  }"""


@dataclass
class Project:
    """A generated project with a tarball, a git dependency, and a tarball of its own."""

    home: Path
    directory: Path
    registry: Registry

    def run(self, command: str, *arguments: str | Path, **env: str) -> Run:
        options = ("--cache-dir", self.home / "cache", "--registry", self.registry.base)
        return run_program(command, *options, *arguments, home=self.home, **env)

    def sources(self, nix: NixElsewhere) -> dict[str, str]:
        """Install path → store path, as Nix says when neither server is there."""
        text = f"""
          let file = import {self.directory}/generated/node-packages.nix {{
            registry = "http://127.0.0.1:1/"; fetchgit = {FETCHGIT}; }};
          in builtins.mapAttrs (_: package: "${{package.src}}") file.packages"""
        command = ("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode")
        return dict(json.loads(nix(*command, "--expr", text)))


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def project(home: Path, tmp_path: Path, registry: Registry) -> Project:
    made = Project(home, home / "project", registry)
    with serve_git(tmp_path / "forge") as forge:
        files = {"package.json": '{"name": "g", "version": "1.0.0"}', "run*": "x", "a/b": "c"}
        rev = forge.commit("g", files)
        vendor = made.directory / "vendor/local.tgz"
        vendor.parent.mkdir(parents=True)
        vendor.write_bytes(package("local"))
        write_lock(
            made.directory,
            {
                "node_modules/a": {"version": "1.0.0", "integrity": sri(registry.publish("a"))},
                "node_modules/g": {
                    "version": "1.0.0",
                    "resolved": f"git+{forge.base}g.git#{rev}",
                },
                "node_modules/local": {
                    "version": "1.0.0",
                    "resolved": "file:vendor/local.tgz",
                    "integrity": sri(vendor.read_bytes()),
                },
            },
        )
        output = made.directory / "generated/node-packages.nix"
        output.parent.mkdir()
        run = made.run("generate", made.directory, "-o", output)
        assert run.status == 0, run.stderr
        (made.home / "cache").rename(made.home / "unused")
        fetched = made.run("prime", output, **NixElsewhere(tmp_path / "other").environment)
        assert fetched.status == 0, fetched.stderr  # with a cache that lacks them, from the server
        assert "1 git revision fetched" in fetched.stdout
        assert "3 paths: 3 added" in fetched.stdout
    return made


def test_after_priming_nix_has_all_sources_at_the_paths_it_asks_for(
    project: Project, tmp_path: Path
) -> None:
    store = NixElsewhere(tmp_path / "root")
    run = project.run("prime", project.directory / "generated", **store.environment)
    assert run.status == 0, run.stderr
    assert "3 paths: 3 added, 0 valid already" in run.stdout
    sources = project.sources(store)
    store("nix-store", "--check-validity", *sources.values())
    store("nix-store", "--verify", "--check-contents")
    tree = store.file(sources["node_modules/g"])
    assert (tree / "run").stat().st_mode & 0o100
    assert (tree / "a/b").read_text() == "c"
    again = project.run("prime", project.directory / "generated", **store.environment)
    assert "3 paths: 0 added, 3 valid already" in again.stdout


@pytest.mark.parametrize("compression", ["none", "xz"])
def test_what_is_pushed_is_substituted_by_another_machine(
    project: Project, tmp_path: Path, compression: str
) -> None:
    cache = f"file://{tmp_path}/cache"
    arguments = ("--to", cache, project.directory / "generated", "--compression", compression)
    run = project.run("push", *arguments)
    assert run.status == 0, run.stderr
    assert "3 tarballs: 3 sent" in run.stdout
    again = project.run("push", *arguments)
    assert "3 there already" in again.stdout
    primed = NixElsewhere(tmp_path / "other")
    paths = project.sources(primed)
    store = NixElsewhere(tmp_path / "third")
    store("nix", "copy", "--from", cache, *paths.values())
    store("nix-store", "--verify", "--check-contents")
    assert (store.file(paths["node_modules/g"]) / "a/b").read_text() == "c"


def test_a_tree_that_is_not_what_the_file_says_goes_nowhere(
    project: Project, tmp_path: Path
) -> None:
    (tree,) = (project.home / "cache/tree").iterdir()
    (tree / "a/b").write_text("changed")
    generated = project.directory / "generated"
    # It is dropped, and wanted anew; the forge is gone.
    pushed = project.run("push", "--to", f"file://{tmp_path}/cache", generated)
    assert pushed.status == 3
    assert "1 of 1 git revisions could not be fetched" in pushed.stderr
    sent = [file.read_text() for file in tmp_path.glob("cache/*.narinfo")]
    assert not any("-g-" in text.split()[1] for text in sent)
    store = NixElsewhere(tmp_path / "root")
    primed = project.run("prime", generated, **store.environment)
    assert primed.status == 3
    assert "1 of 1 git revisions could not be fetched" in primed.stderr


@pytest.mark.parametrize("command", ["prime", "push"])
@pytest.mark.parametrize(
    "hostile",
    [
        # A repository on this machine is one for which git runs what --upload-pack names.
        {"git": "file://{forge}/g.git", "rev": "--upload-pack=touch {marker}; git-upload-pack"},
        {"rev": "--upload-pack=touch {marker}; git-upload-pack"},
        {"git": "--upload-pack=touch {marker}"},
        {"git": "ext::sh -c touch% {marker}"},
        {"git": "-oProxyCommand=touch {marker}@git.example:g"},
    ],
)
def test_no_field_of_a_file_becomes_a_command(
    project: Project, tmp_path: Path, command: str, hostile: dict[str, str]
) -> None:
    nix = NixElsewhere(tmp_path / "root")
    marker = tmp_path / "executed"
    file = project.directory / "generated/node-packages.nix"
    text = file.read_text()
    for field, pattern in hostile.items():
        value = pattern.format(marker=marker, forge=tmp_path / "forge")
        text = re.sub(rf' {field} = "[^"]*";', f' {field} = "{value}";', text)
    assert "executed" in text
    file.write_text(text)
    to = ("--to", f"file://{tmp_path}/cache") if command == "push" else ()
    run = project.run(command, "--cache-dir", tmp_path / "empty", *to, file, **nix.environment)
    assert not marker.exists()
    assert run.status == 2, run.stderr
    assert f"{file}: node_modules/g: " in run.stderr
    assert "npm2nixlite generate" in run.stderr
