"""A project whose packages a test makes up, its lock and generated file, and Nix to build it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.projects import ROOT, run_program
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    import subprocess

    from tests.support.nix import Nix
    from tests.support.registry import Registry

__all__ = ["HOST_TOOLS", "NixProject", "output"]

HOST_TOOLS = ("--option", "extra-sandbox-paths", "/bin /usr /lib /lib64")
"""For builds with tests/nix/toolchain.nix."""


class NixProject:
    """A project, empty at first.

    Attributes:
        directory: Where it is.
        entries: Its lock's, without the project's own.
        manifest: Its package.json; what it depends on is made of the entries.
    """

    def __init__(self, directory: Path, nix: Nix, registry: Registry, home: Path) -> None:
        self.directory, self.nix, self.registry, self.home = directory, nix, registry, home
        self.entries: dict[str, Any] = {}
        self.manifest: dict[str, Any] = {"name": "project", "version": "1.0.0"}
        directory.mkdir()

    def add(self, path: str, data: bytes, **fields: Any) -> None:
        """A package at an install path, with more of its lock's fields."""
        name = path.rpartition("node_modules/")[2]
        version = fields.get("version", "1.0.0")
        base = name.rpartition("/")[2]
        self.registry.answers[f"/{name}/-/{base}-{version}.tgz"] = Answer(body=data)
        self.entries[path] = {"version": version, "integrity": sri(data), **fields}

    def write(self, path: str, text: str) -> Path:
        """A file of the project's source."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def generate(self, *arguments: str) -> None:
        """Write package.json and the lock, and the generated file from them."""
        own: dict[str, Any] = {"dependencies": {}, "devDependencies": {}, **self.manifest}
        for path, entry in self.entries.items():
            name = path.removeprefix("node_modules/")
            if path.startswith("node_modules/") and "node_modules" not in name:
                group = "devDependencies" if entry.get("dev") else "dependencies"
                own[group][name] = entry.get("version", "*")
        self.write("package.json", json.dumps(own))
        lock = {key: own[key] for key in ("name", "version")}
        packages = {"": {key: own[key] for key in own if key != "scripts"}, **self.entries}
        self.write(
            "package-lock.json",
            json.dumps({**lock, "lockfileVersion": 3, "packages": packages}),
        )
        run = run_program(
            "generate", self.directory, "--registry", self.registry.base, *arguments, home=self.home
        )
        assert run.status == 0, run.stderr

    def run(self, expression: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Build what an expression gives; see what it can name below."""
        text = f"""
          let
            tools = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
            npm = import {ROOT}/nix {{ pkgs = tools; registry = "{self.registry.base}"; }};
            src = builtins.path {{ path = {self.directory}; name = "project"; }};
            packages = {self.directory}/node-packages.nix;
            lock = {self.directory}/package-lock.json;
            build = arguments: npm.buildNpmProject (
              {{ pname = "p"; version = "1"; inherit src packages lock; }} // arguments
            );
          in {expression}"""
        return self.nix.run(
            "nix-build", *HOST_TOOLS, "--no-out-link", *options, "--expr", text, check=False
        )

    def build(self, expression: str, *options: str) -> Path:
        """The output of what is built."""
        return output(self.run(expression, *options))

    def refused(self, expression: str) -> str:
        """What is said of an expression that cannot be built, or evaluated."""
        done = self.run(expression)
        assert done.returncode, done.stdout
        return done.stderr


def output(done: subprocess.CompletedProcess[str]) -> Path:
    """Where a build's output is."""
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
