"""``init`` as its users run it, and what Nix makes of what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite import __version__
from tests.support.nix import HOST_TOOLS, Nix
from tests.support.projects import ROOT, Run, locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture
def project(home: Path, registry: Registry) -> Path:
    """A project with a dependency, a workspace with a command, and a build script."""
    directory = home / "project"
    write_lock(
        directory,
        {
            "node_modules/a": locked(integrity=sri(registry.publish("a"))),
            "node_modules/@own/tool": {"link": True, "resolved": "packages/tool"},
            "packages/tool": {"name": "@own/tool", "version": "2.0.0", "bin": {"tool": "t.js"}},
        },
    )
    write_json(
        directory / "package.json",
        name="project",
        version="1.0.0",
        dependencies={"a": "1.0.0"},
        workspaces=["packages/*"],
        scripts={"build": "node -e \"fs.writeFileSync('built.txt', 'yes')\""},
        engines={"node": ">=20"},
    )
    lock = json.loads((directory / "package-lock.json").read_text())
    lock["packages"][""] |= {"dependencies": {"a": "1.0.0"}, "workspaces": ["packages/*"]}
    write_json(directory / "package-lock.json", **lock)
    (directory / "packages/tool").mkdir(parents=True)
    write_json(
        directory / "packages/tool/package.json",
        name="@own/tool",
        version="2.0.0",
        bin={"tool": "t.js"},
    )
    script = directory / "packages/tool/t.js"
    script.write_text("#!/usr/bin/env node\nconsole.log('tool')\n")
    script.chmod(0o755)
    return directory


def write_json(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(fields, indent=2) + "\n")


def init(home: Path, registry: Registry, project: Path, *arguments: str) -> Run:
    options = ["--registry", registry.base, "--cache-dir", str(home / "cache")]
    return run_program("init", project, *options, *arguments, home=home)


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.mark.nix
@pytest.mark.npm
def test_nix_builds_what_init_wrote(
    home: Path, registry: Registry, project: Path, nix: Nix
) -> None:
    run = init(home, registry, project, "--yes")
    assert run.status == 0, run.stderr

    def build(attribute: str) -> Path:
        pkgs = f"""
          import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }}
          // {{ pnpm.src.url = "{registry.base}pnpm/-/pnpm-9.0.0.tgz"; }}
        """
        done = nix.run(
            *("nix-build", *HOST_TOOLS, "--no-out-link", project, "-A", attribute),
            *("--arg", "pkgs", pkgs),
        )
        return type(project)(done.stdout.strip())

    built = build("default")
    assert (built / "lib/node_modules/project/built.txt").read_text() == "yes"
    tool = build("own-tool") / "bin/tool"
    said = subprocess.run([tool], capture_output=True, text=True, check=True)
    assert said.stdout == "tool\n"


def test_all_is_shown_before_and_nothing_written_without_a_yes(
    home: Path, registry: Registry, project: Path
) -> None:
    before = files(project)
    dry = init(home, registry, project, "--dry-run", "--verbose")
    assert dry.status == 0, dry.stderr
    for name in ("default.nix", "shell.nix", "flake.nix", "npm2nixlite.toml", "node-packages.nix"):
        assert f"{name} " in dry.stdout
    assert 'npmWorkspace = "packages/tool";' in dry.stdout
    unasked = init(home, registry, project)
    assert unasked.status == 2
    assert "agree with --yes" in unasked.stderr
    assert files(project) == before


def test_what_is_there_stays_byte_for_byte(home: Path, registry: Registry, project: Path) -> None:
    (project / "flake.nix").write_text("# mine\n")
    (project / "default.nix").write_text("# mine, too\n")
    (project / "shell.nix").symlink_to("elsewhere.nix")
    (project / ".gitignore").write_text("/result\n*.log")
    assert init(home, registry, project, "--yes").status == 0
    assert (project / "flake.nix").read_text() == "# mine\n"
    assert (project / "default.nix").read_text() == "# mine, too\n"
    assert os.readlink(project / "shell.nix") == "elsewhere.nix"  # noqa: PTH115
    assert (project / ".gitignore").read_text() == "/result\n*.log\n/result-*\nnode_modules/\n"
    # What it would have written to default.nix is beside it.
    assert "buildNpmProject" in (project / "npm2nixlite.nix").read_text()


def test_a_second_run_changes_nothing(home: Path, registry: Registry, project: Path) -> None:
    assert init(home, registry, project, "--yes").status == 0
    first = files(project)
    again = init(home, registry, project, "--yes", "--json")
    assert files(project) == first
    assert {file["state"] for file in again.json["files"]} == {"kept"}


def test_the_copied_library_is_renewed_and_nothing_else_replaced(
    home: Path, registry: Registry, project: Path
) -> None:
    assert init(home, registry, project, "--yes").status == 0
    copy = project / "nix/npm2nixlite"
    (copy / "VERSION").write_text("0.0.1\n")
    (copy / "nix/default.nix").write_text("old")
    run = init(home, registry, project, "--yes")
    assert "renewed, was 0.0.1" in run.stdout
    assert (copy / "VERSION").read_text() == f"{__version__}\n"
    assert (copy / "nix/default.nix").read_text() != "old"
    (copy / "VERSION").unlink()
    refused = init(home, registry, project, "--yes")
    assert refused.status == 2
    assert "something else" in refused.stderr


def test_with_a_flake_for_the_library_none_is_copied(
    home: Path, registry: Registry, project: Path
) -> None:
    run = init(home, registry, project, "--yes", "--library", "git+https://forge.example/n")
    assert run.status == 0, run.stderr
    assert 'url = "git+https://forge.example/n";' in (project / "flake.nix").read_text()
    assert not (project / "nix").exists()


def test_engines_choose_the_nodejs(home: Path, registry: Registry, project: Path) -> None:
    content = json.loads((project / "package.json").read_text())
    write_json(project / "package.json", **{**content, "engines": {"node": "20 || 22"}})
    assert init(home, registry, project, "--yes").status == 0
    assert "nodejs = pkgs.nodejs_22 or pkgs.nodejs;" in (project / "default.nix").read_text()


def test_a_repository_gets_a_hook_and_a_workflow(
    home: Path, registry: Registry, project: Path
) -> None:
    (project / ".git").mkdir()
    (project / ".github").mkdir()
    assert init(home, registry, project, "--yes").status == 0
    assert "npm2nixlite generate --check" in (project / ".pre-commit-config.yaml").read_text()
    workflow = project / ".github/workflows/node-packages.yml"
    assert "npm2nixlite generate --check" in workflow.read_text()


def test_a_name_from_package_json_stays_a_string(
    home: Path, registry: Registry, project: Path, nix: Nix
) -> None:
    content = json.loads((project / "package.json").read_text())
    hostile = 'x"; evil = ${builtins.abort "no"}; y = "'
    write_json(project / "package.json", **{**content, "name": hostile, "version": hostile})
    assert init(home, registry, project, "--yes").status == 0
    for name in ("default.nix", "shell.nix", "flake.nix"):
        nix.run("nix-instantiate", "--parse", project / name)
    assert "abort" not in nix.run("nix-instantiate", "--parse", project / "shell.nix").stdout


def test_nothing_is_left_where_something_cannot_be_written(
    home: Path, registry: Registry, project: Path
) -> None:
    (project / "nix").write_text("a file, where a directory is to be")
    before = files(project)
    run = init(home, registry, project, "--yes")
    assert run.status == 2
    assert "cannot be written" in run.stderr
    assert files(project) == before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("package.json", None, "there is no package.json"),
        ("package.json", "[]", "not a JSON object"),
        ("package-lock.json", None, "no lock"),
    ],
)
def test_what_is_no_project_is_refused(
    home: Path, registry: Registry, project: Path, name: str, text: str | None, message: str
) -> None:
    (project / name).unlink() if text is None else (project / name).write_text(text)
    run = init(home, registry, project, "--yes")
    assert run.status == 2
    assert message in run.stderr
    assert not (project / "default.nix").exists()


def test_nix_dir_names_the_library(home: Path) -> None:
    run = run_program("nix-dir", home=home)
    assert run.stdout == f"{ROOT}/nix\n"
