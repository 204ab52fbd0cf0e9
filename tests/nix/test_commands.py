"""Commands of what is built run anywhere: without a PATH, and without /usr/bin/env."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.nix_project import NixProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

SAYS = "#!/usr/bin/env node\nconsole.log('{}', process.argv.slice(2).join(' '))\n"


@pytest.fixture
def project(tmp_path: Path, nix: Nix, registry: Registry, home: Path) -> NixProject:
    made = NixProject(tmp_path / "project", nix, registry, home)
    tool = Member("package/tool.js", SAYS.format("tool").encode())
    shell = Member("package/shell.sh", b"#!/usr/bin/env bash\necho shell $0\n", mode=0o755)
    made.add("node_modules/tool", package("tool", tool, shell), bin={"tool": "tool.js"})
    made.manifest |= {
        "bin": {"own": "own.js", "bare": "bare.js", "windows": "windows.js"},
        "scripts": {"build": "tool built > said"},
        "files": ["*.js", "said"],
    }
    made.write("own.js", SAYS.format("own"))
    made.write("bare.js", "console.log('bare', process.argv[2])\n")
    made.write("windows.js", SAYS.format("windows").replace("\n", "\r\n"))
    made.generate()
    return made


def run_alone(*command: object) -> str:
    """What a command prints where there is no PATH to find anything on."""
    line = [str(word) for word in command]
    return subprocess.run(line, env={}, capture_output=True, text=True, check=True).stdout


def names_env(tree: Path) -> list[Path]:
    return [
        path
        for path in tree.rglob("*")
        if path.is_file()
        and path.stat().st_mode & 0o100
        and re.match(rb"#!\s*/usr/bin/env", path.read_bytes())
    ]


def test_own_commands_name_the_node_that_they_are_built_for(project: NixProject) -> None:
    built = project.build("build { }")
    assert run_alone(built / "bin/own", "a", "b") == "own a b\n"
    assert run_alone(built / "bin/windows") == "windows \n"
    assert run_alone(built / "bin/bare", "a b") == "bare a b\n"  # no first line: as nixpkgs has it
    assert not names_env(built)
    references = project.nix.run("nix-store", "-q", "--references", built).stdout
    assert "-nodejs" in references
    assert "-python3" not in references


def test_commands_of_packages_run_from_the_installed_tree(project: NixProject) -> None:
    built = project.build("build { }")
    modules = built / "lib/node_modules/project/node_modules"
    assert run_alone(modules / ".bin/tool", "x") == "tool x\n"
    assert run_alone(modules / "tool/shell.sh").startswith("shell ")
    assert not names_env(modules.resolve())
    assert (built / "lib/node_modules/project/said").read_text() == "tool built\n"


def test_a_linked_tree_builds_too(project: NixProject) -> None:
    built = project.build("build { linkNodeModules = true; }")
    assert (built / "lib/node_modules/project/said").read_text() == "tool built\n"


def test_a_tree_by_itself_stays_npms_unless_it_is_asked_for(project: NixProject) -> None:
    plain = project.build("npm.mkNodeModules { inherit packages lock; }")
    fixed = project.build("npm.mkNodeModules { inherit packages lock; fixCommands = true; }")
    assert {path.name for path in names_env(plain)} == {"tool", "tool.js", "shell.sh"}
    assert run_alone(fixed / "node_modules/.bin/tool") == "tool \n"


def test_without_nodejs_for_the_result_the_toolchain_would_show_it(project: NixProject) -> None:
    """The stand-in toolchain tells what is for the build from what is for the result."""
    built = project.build(
        """tools.stdenv.mkDerivation {
          name = "t"; strictDeps = true; nativeBuildInputs = [ tools.nodejs ];
          buildCommand = ''
            mkdir -p $out; cp ${src}/own.js $out/at-build; chmod +x $out/at-build
            cp $out/at-build $out/at-run
            patchShebangs --build $out/at-build; patchShebangs --host $out/at-run
            node --version > /dev/null
          ''; }"""
    )
    assert [path.name for path in names_env(built)] == ["at-run"]
    hidden = project.refused(
        """tools.stdenv.mkDerivation {
          name = "t"; strictDeps = true; buildInputs = [ tools.nodejs ];
          buildCommand = "node --version"; }"""
    )
    assert "node: command not found" in hidden


def test_a_command_whose_file_was_not_built_is_an_error(project: NixProject) -> None:
    project.manifest["bin"] = {"gone": "dist/gone.js"}
    project.generate()
    said = project.refused("build { }")
    assert "its command 'gone' is dist/gone.js, and the build made no such file" in said


def test_manual_pages_are_installed(project: NixProject) -> None:
    project.manifest |= {"man": "own.1", "files": ["*.js", "own.1"]}
    project.write("own.1", ".TH own 1\n")
    project.generate()
    built = project.build("build { }")
    assert (built / "share/man/man1/own.1").read_text() == ".TH own 1\n"
