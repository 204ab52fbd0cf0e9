"""The files that ``init`` writes, as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.node_packages.syntax import nix_name, nix_string

if TYPE_CHECKING:
    from npm2nixlite.init.inspect import ProjectFacts, WorkspaceFacts

__all__ = [
    "GITIGNORE",
    "LIBRARY",
    "PRE_COMMIT",
    "PROJECT_FILE_TEXT",
    "WORKFLOW",
    "WRITTEN",
    "default_nix",
    "flake_nix",
    "shell_nix",
]

LIBRARY = "nix/npm2nixlite"
"""Where the Nix library goes, below the project's directory."""

WRITTEN = "# Written by 'npm2nixlite init'; yours to edit.\n"

GITIGNORE = ("/result", "/result-*", "node_modules/")

PROJECT_FILE_TEXT = f"""\
{WRITTEN}[[project]]
path = "."
"""

PRE_COMMIT = f"""\
{WRITTEN}repos:
  - repo: local
    hooks:
      - id: npm2nixlite
        name: {OUTPUT_NAME} is what the lock says
        entry: npm2nixlite generate --check
        language: system
        pass_filenames: false
        files: (package-lock|npm-shrinkwrap|package)\\.json$|{OUTPUT_NAME}$|\\.npmrc$
"""

WORKFLOW = f"""\
{WRITTEN}name: {OUTPUT_NAME}
on:
  push:
  pull_request:
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.x"
      - run: pip install npm2nixlite
      - run: npm2nixlite generate --check
"""

_FLAKE = """\
{
  description = DESCRIPTION;

  inputs.nixpkgs.url = "nixpkgs";LIBRARY_INPUT

  outputs =
    ARGUMENTS:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forSystems =
        make:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = make nixpkgs.legacyPackages.${system};
          }) systems
        );
    in
    {
      packages = forSystems (pkgs: import ./default.nix { inherit pkgsLIBRARY_NAME; });
      devShells = forSystems (pkgs: {
        default = import ./shell.nix { inherit pkgsLIBRARY_NAME; };
      });
    };
}
"""


def flake_nix(
    facts: ProjectFacts,
    library: str | None,
    packages: str = "default.nix",
    shell: str = "shell.nix",
) -> str:
    """``flake.nix``.

    Args:
        facts: The project.
        library: The flake that has the Nix library; None where the project has a copy.
        packages: The file of `default_nix`.
        shell: The file of `shell_nix`.
    """
    text = _FLAKE.replace("./default.nix", f"./{packages}").replace("./shell.nix", f"./{shell}")
    text = text.replace("DESCRIPTION", nix_string(facts.name))
    if library is None:
        text = text.replace("LIBRARY_INPUT", "").replace("LIBRARY_NAME", "")
        return WRITTEN + text.replace("ARGUMENTS", "{ nixpkgs, ... }")
    text = text.replace(
        "LIBRARY_INPUT",
        f"\n  inputs.npm2nixlite = {{\n    url = {nix_string(library)};\n"
        '    inputs.nixpkgs.follows = "nixpkgs";\n  };',
    )
    text = text.replace("LIBRARY_NAME", " npm2nixlite")
    return WRITTEN + text.replace("ARGUMENTS", "{ nixpkgs, npm2nixlite, ... }")


def default_nix(facts: ProjectFacts, library: str | None) -> str:
    """``default.nix``: the project, and each workspace that builds or has commands.

    Args:
        facts: The project.
        library: See `flake_nix`.
    """
    packages = [("default", _package(facts, None))]
    packages += [
        (_attribute(workspace.name), _package(facts, workspace))
        for workspace in facts.workspaces
        if workspace.builds or workspace.has_commands
    ]
    body = "".join(f"  {nix_name(name)} = {text};\n" for name, text in dict(packages).items())
    return f"""\
{_header(library)}let
  npm = import {_import(library)} {{ inherit pkgs; }};

  # What is no input of a build: changing it rebuilds nothing.
  src = builtins.path {{
    name = "source";
    path = ./.;
    filter =
      path: _:
      !builtins.elem (baseNameOf path) [ ".git" ".github" "node_modules" "flake.lock" ]
      && builtins.match "result(-.*)?|.*\\\\.nix" (baseNameOf path) == null;
  }};

  shared = {{
    inherit src;
    version = {nix_string(facts.version)};
    packages = ./{OUTPUT_NAME};
    lock = ./{facts.lock};
{_nodejs(facts)}  }};
in
{{
{body}}}
"""


def shell_nix(facts: ProjectFacts, library: str | None) -> str:
    """``shell.nix``: a shell with Node.js and the project's ``node_modules``.

    Args:
        facts: The project.
        library: See `flake_nix`.
    """
    return f"""\
{_header(library)}let
  npm = import {_import(library)} {{ inherit pkgs; }};
in
npm.mkDevShell {{
  packages = ./{OUTPUT_NAME};
  lock = ./{facts.lock};
{_nodejs(facts).replace("    ", "  ")}}}
"""


def _header(library: str | None) -> str:
    if library is None:
        return f"{WRITTEN}{{\n  pkgs ? import <nixpkgs> {{ }},\n}}:\n"
    fetched = f"builtins.getFlake {nix_string(library)}"
    return f"{WRITTEN}{{\n  pkgs ? import <nixpkgs> {{ }},\n  npm2nixlite ? {fetched},\n}}:\n"


def _import(library: str | None) -> str:
    return f"./{LIBRARY}/nix" if library is None else '"${npm2nixlite}/nix"'


def _package(facts: ProjectFacts, workspace: WorkspaceFacts | None) -> str:
    name = facts.name if workspace is None else workspace.name
    lines = [f"    pname = {nix_string(_attribute(name))};"]
    if workspace is not None:
        lines.append(f"    npmWorkspace = {nix_string(workspace.directory)};")
    if not (facts if workspace is None else workspace).builds:
        lines.append('    dontNpmBuild = true; # package.json has no script "build"')
    return (
        "npm.buildNpmProject (\n    shared\n    // {\n"
        + "".join(f"  {line}\n" for line in lines)
        + "    }\n  )"
    )


def _attribute(name: str) -> str:
    """A package's name as a derivation's: a scope becomes a prefix."""
    return re.sub(r"[^A-Za-z0-9+._?=-]+", "-", name.removeprefix("@")).strip("-.") or "project"


def _nodejs(facts: ProjectFacts) -> str:
    if facts.node_major is None:
        return ""
    return f"    nodejs = pkgs.nodejs_{facts.node_major} or pkgs.nodejs; # package.json's engines\n"
