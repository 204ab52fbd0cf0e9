"""What a Nix user gets of a project: the documented call, built in the sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fidelity.listing import HIDDEN, list_modules
from tests.support.nix import CONFIG, Nix
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fidelity.corpus import Project
    from tests.fidelity.listing import Listing
    from tests.fidelity.npms import Npm

__all__ = ["Built", "Generated", "NixTrees"]

_DERIVATION = re.compile(r"(/\S+\.drv)")


@dataclass(frozen=True)
class Generated:
    """What ``npm2nixlite generate`` came to: its status, and what it said where that is not 0."""

    status: int
    said: str


@dataclass(frozen=True)
class Built:
    """A tree that was built.

    Attributes:
        error: What was said where it could not be; empty where it was built.
        listing: The tree.
        notes: Its ``.package-lock.json``; None where it has none.
    """

    error: str
    listing: Listing
    notes: str | None


class NixTrees:
    """Translates and builds projects, on a store of its own.

    Args:
        state: Where the store and the download cache are.
        registry: The registry base.
        tools: More directories that the sandbox shows: where Node.js is.
    """

    def __init__(self, state: Path, registry: str, tools: Sequence[Path]) -> None:
        shown = " ".join(["/bin", "/usr", "/lib", "/lib64", *map(str, tools)])
        config = f"{CONFIG}sandbox-paths = {shown}\nfsync-metadata = false\n"
        self._nix = Nix(state / "nix", config)
        self._state, self._registry = state, registry

    def generate(self, project: Project) -> Generated:
        """Write the project's ``node-packages.nix``, and put its tarballs into the store."""
        common = [f"--cache-dir={self._state / 'cache'}", f"--npmrc={self._state / 'npmrc'}"]
        registry = f"--registry={self._registry}"
        done = self._program("generate", str(project.directory), *common, registry)
        if done.returncode == 0:
            primed = self._program("prime", str(project.directory), *common, registry)
            if primed.returncode:
                return Generated(primed.returncode, _last_words(primed.stderr))
            return Generated(0, "")
        return Generated(done.returncode, _last_words(done.stderr))

    def derivation(self, project: Project, npm: Npm, omit: Sequence[str]) -> str:
        """The derivation of a tree; its inputs are all that the tree depends on.

        Raises:
            ValueError: It does not evaluate; says why.
        """
        done = self._nix.run(
            "nix-instantiate", "--expr", self._expression(project, npm, omit), check=False
        )
        if done.returncode:
            raise ValueError(_last_words(done.stderr))
        return done.stdout.strip()

    def build(self, derivation: str) -> Built:
        """Build a tree, look at it, and delete it."""
        done = self._nix.run("nix-store", "--realise", derivation, check=False)
        if done.returncode:
            log = self._nix.run("nix-store", "--read-log", derivation, check=False).stdout
            return Built(_last_words(log or done.stderr), {}, None)
        out = self._nix.root.__class__(done.stdout.strip())
        notes = out / HIDDEN
        built = Built("", list_modules(out), notes.read_text("utf-8") if notes.is_file() else None)
        self._nix.run("nix-store", "--delete", str(out), check=False)
        return built

    def _expression(self, project: Project, npm: Npm, omit: Sequence[str]) -> str:
        lock = json.loads(project.lock.read_bytes().decode("utf-8-sig"))
        # a lock of version 1 does not say what the project depends on
        manifest = project.directory / "package.json"
        given = f"packageJson = {manifest};" if "packages" not in lock else ""
        groups = " ".join(json.dumps(group) for group in omit)
        return f"""
          let
            npm = import {ROOT}/nix {{
              pkgs = import {ROOT}/tests/nix/toolchain.nix {{
                nodeVersion = "{npm.node}";
                nodePrefix = "{npm.prefix}";
              }};
              registry = "{self._registry}";
            }};
            packages = {project.directory}/node-packages.nix;
            all = (import packages {{ registry = "{self._registry}"; }}).packages;
            local = path:
              (all.${{path}} ? directory)
              && builtins.pathExists ({project.directory} + "/${{all.${{path}}.directory}}");
          in
          npm.mkNodeModules {{
            inherit packages;
            lock = {project.lock};
            {given}
            allowDanglingLinks = true; # npm makes them, too
            omit = [ {groups} ];
            localDependencies = builtins.listToAttrs (map (path: {{
              name = path;
              value = {project.directory} + "/${{all.${{path}}.directory}}";
            }}) (builtins.filter local (builtins.attrNames all)));
          }}"""

    def _program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.lower().startswith("npm_config_")
        }
        return subprocess.run(
            [sys.executable, "-m", "npm2nixlite", *arguments],
            env={**kept, **self._nix.environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


def _last_words(said: str) -> str:
    """The lines of an error message, warnings and progress left out."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    errors = [
        number for number, line in enumerate(lines) if re.match(r"npm2nixlite: |error: ", line)
    ]
    start = errors[-1] if errors else max(0, len(lines) - 4)
    return "\n".join(lines[start : start + 8])[:1500]
