"""npm2nixlite.toml: a repository's projects, regenerated and checked by a bare command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.projects import ROOT, Run, environment, locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


def entries(registry: Registry, *names: str) -> dict[str, Any]:
    return {f"node_modules/{name}": locked(integrity=sri(registry.publish(name))) for name in names}


def generate(home: Path, *arguments: str | Path) -> Run:
    return run_program("generate", "--cache-dir", home / "cache", *arguments, home=home)


def test_a_bare_command_regenerates_all_projects_with_their_options(
    home: Path, registry: Registry
) -> None:
    packages = entries(registry, "a")
    packages["node_modules/a"]["resolved"] = f"{registry.base}a/-/a-1.0.0.tgz"
    write_lock(home / "backend", packages)
    write_lock(home / "web/frontend", entries(registry, "b"))
    (home / "nix").mkdir()
    (home / "npm2nixlite.toml").write_text(
        f"""
        [[project]]
        path = "backend"
        omit-registry-resolved = true
        require-canonical = true

        [[project]]
        path = "web/frontend/package-lock.json"
        output = "nix/frontend.nix"
        registry = "{registry.base}"
        """
    )
    assert generate(home, "--check").status == 1
    run = generate(home)
    assert run.status == 0, run.stderr
    assert registry.base not in (home / "backend/node-packages.nix").read_text()
    assert 'path = "b/-/b-1.0.0.tgz"' in (home / "nix/frontend.nix").read_text()
    assert not (home / "web/frontend/node-packages.nix").exists()
    connections = registry.connections
    assert generate(home, "--check").status == 0
    assert registry.connections == connections
    (home / "nix/frontend.nix").write_text("")
    stale = generate(home, "--check", "--json")
    assert stale.status == 1
    assert [item["state"] for item in stale.json["projects"]] == ["up to date", "stale"]


def test_named_projects_go_before_the_file(home: Path, registry: Registry) -> None:
    write_lock(home / "named", entries(registry, "a"))
    (home / "npm2nixlite.toml").write_text('[[project]]\npath = "missing"\n')
    assert generate(home, "named", "--registry", registry.base).status == 0
    assert generate(home).status == 2


def test_a_project_that_must_be_canonical_is_refused_with_blockers(home: Path) -> None:
    git = {"version": "1.0.0", "resolved": "git+https://f.example/g.git#main"}
    write_lock(home / "strict", {"node_modules/g": git})
    write_lock(home / "lax", {"node_modules/g": git})
    table = '[[project]]\npath = "lax"\n[[project]]\npath = "strict"\nrequire-canonical = {}\n'
    (home / "npm2nixlite.toml").write_text(table.format("true"))
    run = generate(home)
    assert run.status == 2
    assert "strict/package-lock.json" in run.stderr
    assert "lax/package-lock.json" not in run.stderr
    (home / "npm2nixlite.toml").write_text(table.format("false"))
    assert generate(home).status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it names no project"),
        ("[[project]]\n", "project 1: it has no path"),
        ('[[project]]\npath = "a"\nouput = "x"\n', "unknown key 'ouput'"),
        ("[[project]]\npath = 1\n", "path is 1, expected a string"),
        ('[[project]]\npath = "a"\nrequire-canonical = "yes"\n', "expected true or false"),
        ('[project]\npath = "a"\n', "it names no project"),
        ('projects = ["a"]\n', "unknown key 'projects'"),
        ("[[project]\n", "cannot be read"),
        ('[[project]]\npath = "a"\n[[project]]\npath = "a"\n', "two projects write to"),
    ],
)
def test_a_file_that_means_nothing_is_status_2_and_says_where(
    home: Path, text: str, message: str
) -> None:
    (home / "npm2nixlite.toml").write_text(text)
    run = generate(home)
    assert run.status == 2
    assert "npm2nixlite.toml: " in run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_the_hooks_run_commands_that_there_are_on_the_files_that_matter(home: Path) -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"entry: npm2nixlite (.+)", text)
    assert entries == ["generate --check", "generate"]
    for entry in entries:
        assert run_program(*entry.split(), "--help", home=home).status == 0
    for pattern in re.findall(r"files: (.+)", text):
        for name in ("package-lock.json", "a/npm-shrinkwrap.json", "a/b/node-packages.nix"):
            assert re.search(pattern, name)
        assert not re.search(pattern, "a/package-lock.json.bak")


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="there is no pre-commit")
def test_pre_commit_itself_runs_the_hook(home: Path, registry: Registry) -> None:
    repository = home / "repository"
    write_lock(repository, entries(registry, "a"))
    (repository / "npm2nixlite.toml").write_text(
        f'[[project]]\npath = "."\nregistry = "{registry.base}"\n'
    )
    hook = home / "hook"
    hook.mkdir()
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    # Installing the package needs the network; the checkout stands in for that, nothing else.
    command = f"{sys.executable} -m npm2nixlite"
    text = text.replace("language: python", "language: system")
    text = text.replace("entry: npm2nixlite", f"entry: {command}")
    (hook / ".pre-commit-hooks.yaml").write_text(text)
    env = environment(home, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@h.example")
    env |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@h.example"}
    for directory in (hook, repository):
        for command_line in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
            subprocess.run(["git", *command_line], cwd=directory, env=env, check=True)

    def run(hook_id: str) -> int:
        command = ["pre-commit", "try-repo", str(hook), hook_id, "--all-files"]
        return subprocess.run(command, cwd=repository, env=env, capture_output=True).returncode

    assert run("npm2nixlite") == 1
    assert run("npm2nixlite-generate") == 0
    assert (repository / "node-packages.nix").exists()
    assert run("npm2nixlite") == 0
