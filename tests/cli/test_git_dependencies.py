"""Git dependencies: from real repositories over HTTP to what Nix itself makes of the file."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.files import remove_tree
from npm2nixlite.integrity import Integrity
from npm2nixlite.pack.files import packed_files
from tests.support.git import Forge, git, serve_git
from tests.support.projects import Run, npm_environment, run_program, write_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nix import Nix

MANIFEST = json.dumps({"name": "g", "version": "1.0.0"})


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with serve_git(tmp_path / "forge") as served:
        yield served


@pytest.fixture
def project(home: Path) -> Path:
    return home / "project"


def generate(home: Path, project: Path, *arguments: str | Path, **env: str) -> Run:
    cache = ("--cache-dir", home / "cache")
    return run_program("generate", project, *cache, *arguments, home=home, **env)


def lock(project: Path, *addresses: str) -> None:
    write_lock(
        project,
        {
            f"node_modules/g{number}": {
                "version": "1.0.0",
                "resolved": address,
                # npm's own packing: not stable, and not to be trusted
                "integrity": "sha512-" + base64.b64encode(bytes(64)).decode(),
            }
            for number, address in enumerate(addresses)
        },
    )


def tree_hash(
    forge: Forge, name: str, rev: str, directory: Path, *, submodules: bool = False
) -> str:
    """What Nix says of a clone without any .git."""
    recursive = ["--recurse-submodules"] if submodules else []
    git(forge.root, "clone", "--quiet", *recursive, f"{forge.base}{name}.git", str(directory))
    git(directory, "checkout", "--quiet", rev)
    for path in sorted(directory.rglob(".git")):
        subprocess.run(["rm", "-rf", path], check=True)
    hashed = subprocess.run(
        ["nix-hash", "--type", "sha256", directory], capture_output=True, text=True, check=True
    )
    return str(Integrity.of("sha256", bytes.fromhex(hashed.stdout.strip())))


def line(project: Path) -> str:
    text = (project / "node-packages.nix").read_text()
    return next(line for line in text.splitlines() if "node_modules/g0" in line)


def source(nix: Nix, project: Path, fetchgit: str = "") -> Any:
    expression = (
        f'"${{(import {project}/node-packages.nix {{ registry = ""; {fetchgit} }})'
        '.packages."node_modules/g0".src}"'
    )
    command = ("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr")
    return json.loads(nix.run(*command, expression).stdout)


@pytest.mark.nix
@pytest.mark.parametrize("dumb", [False, True])
def test_a_revision_has_the_hash_that_nix_gives_it_and_the_second_run_opens_no_connection(
    home: Path, project: Path, forge: Forge, nix: Nix, tmp_path: Path, dumb: bool
) -> None:
    forge.dumb = dumb
    files = {
        "package.json": MANIFEST,
        "run*": "#!/bin/sh\n",
        "a/.gitignore": "x\n",
        "crlf": "a\r\n",
    }
    rev = forge.commit("g", files)
    forge.commit("g", {"later": "not in it"})
    lock(project, f"git+{forge.base}g.git#{rev}")
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    assert "1 git revision)" in run.stdout
    text = line(project)
    expected = tree_hash(forge, "g", rev, tmp_path / "clone")
    assert f'git = "{forge.base}g.git"; rev = "{rev}"; narHash = "{expected}";' in text
    assert "submodules" not in text
    asked = len(forge.requests)
    again = generate(home, project, "--check", "--offline")
    assert again.status == 0, again.stdout
    assert len(forge.requests) == asked
    # Nix's own fetcher takes the same tree for the same hash, to the path the hash gives.
    path = source(nix, project)
    assert path.endswith(f"-g-{rev[:7]}")
    assert nix.run("nix-store", "--query", "--hash", path).stdout.startswith("sha256:")
    (kept,) = (home / "cache/tree").iterdir()
    assert (kept / "run").stat().st_mode & 0o100
    revision = Cache(home / "cache").revision(f"{forge.base}g.git#{rev}")
    assert revision is not None
    assert Cache(home / "cache").tree(revision.sha256) == kept


@pytest.mark.nix
def test_submodules_are_fetched_where_a_repository_has_them(
    home: Path, project: Path, forge: Forge, nix: Nix, tmp_path: Path
) -> None:
    forge.commit("deep", {"deep.txt": "d"})
    forge.commit("inner", {"inner.txt": "i"}, more=("submodule", "add", f"{forge.base}deep.git"))
    add = ("submodule", "add", "../inner.git", "sub")
    work = forge.root / "work/outer"
    forge.commit("outer", {"package.json": MANIFEST})
    git(work, "remote", "add", "origin", f"{forge.base}outer.git")
    rev = forge.commit("outer", {}, more=add)
    lock(project, f"git+{forge.base}outer.git#{rev}")
    run = generate(home, project)
    assert run.status == 0, run.stderr
    expected = tree_hash(forge, "outer", rev, tmp_path / "clone", submodules=True)
    assert (tmp_path / "clone/sub/deep/deep.txt").exists()
    assert f'narHash = "{expected}"' in line(project)
    assert "submodules = true;" in line(project)
    assert source(nix, project)


@pytest.mark.nix
def test_nixpkgs_fetchgit_is_called_as_it_wants_to_be_and_its_derivation_is_a_source(
    home: Path, project: Path, forge: Forge, nix: Nix
) -> None:
    rev = forge.commit("g", {"package.json": MANIFEST})
    lock(project, f"git+{forge.base}g.git#{rev}")
    assert generate(home, project).status == 0
    # A stand-in: nixpkgs is not to be had here. A fixed-output derivation, as fetchgit is one.
    fetchgit = (
        "fetchgit = { name, url, rev, hash, fetchSubmodules ? true }: derivation { inherit name;"
        ' system = "x86_64-linux"; builder = "/bin/sh"; outputHashMode = "recursive";'
        ' outputHash = hash; outputHashAlgo = "sha256"; };'
    )
    native = source(nix, project)
    assert source(nix, project, fetchgit) == native
    expression = f'(import {project}/node-packages.nix {{ registry = ""; {fetchgit} }}).sources'
    assert nix.eval(f"builtins.length {expression}") == 1
    assert (
        nix.eval(
            f'builtins.length (import {project}/node-packages.nix {{ registry = ""; }}).sources'
        )
        == 0
    )


@pytest.mark.parametrize(
    "address",
    [
        "git+ssh://git@github.com/u/g.git",
        "github:u/g",
        "git://github.com/u/g.git",
        "git+ssh://git@github.com:u/g.git",
    ],
)
def test_a_forges_ssh_address_and_short_forms_are_fetched_over_https(
    home: Path, project: Path, forge: Forge, address: str
) -> None:
    rev = forge.commit("u/g", {"package.json": MANIFEST})
    # The forge itself is out of reach: git is told that its https address is the server here.
    (home / ".gitconfig").write_text(f'[url "{forge.base}"]\n  insteadOf = https://github.com/\n')
    lock(project, f"{address}#{rev}")
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    assert 'git = "https://github.com/u/g.git";' in line(project)


@pytest.mark.parametrize(
    "version",
    ["github:u/g", "git+ssh://git@github.com/u/g.git", "u/g", "git+https://github.com/u/g"],
)
def test_a_version_1_lock_spells_them_in_its_own_way(
    home: Path, project: Path, forge: Forge, version: str
) -> None:
    rev = forge.commit("u/g", {"package.json": MANIFEST})
    (home / ".gitconfig").write_text(f'[url "{forge.base}"]\n  insteadOf = https://github.com/\n')
    project.mkdir()
    dependency = {"version": f"{version}#{rev}", "from": "github:u/g"}
    content = {"name": "p", "lockfileVersion": 1, "dependencies": {"g0": dependency}}
    (project / "package-lock.json").write_text(json.dumps(content))
    (project / "package.json").write_text('{"dependencies": {"g0": "github:u/g"}}')
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    assert f'git = "https://github.com/u/g.git"; rev = "{rev}"' in line(project)


def test_links_in_a_repository_are_its_files_and_lead_nowhere(
    home: Path, project: Path, forge: Forge
) -> None:
    forge.commit("g", {"x": ""})
    work = forge.root / "work/g"
    (work / "package.json").symlink_to("/dev/zero")
    (work / ".gitattributes").symlink_to("/dev/zero")
    rev = forge.commit("g", {})
    lock(project, f"git+{forge.base}g.git#{rev}")
    run = generate(home, project)
    assert run.status == 0, run.stderr
    assert "it has no package.json" in run.stderr


def test_where_https_is_refused_the_forges_ssh_address_is_tried_as_npm_does(
    home: Path, project: Path, forge: Forge
) -> None:
    rev = forge.commit("u/g", {"package.json": MANIFEST})
    (home / ".gitconfig").write_text(
        f'[url "{forge.base}none/"]\n  insteadOf = https://github.com/\n'
        f'[url "{forge.base}"]\n  insteadOf = ssh://git@github.com/\n'
    )
    lock(project, f"github:u/g#{rev}")
    run = generate(home, project)
    assert run.status == 0, run.stderr
    assert 'git = "https://github.com/u/g.git";' in line(project)


def test_the_users_configuration_does_not_change_the_files(
    home: Path, project: Path, forge: Forge
) -> None:
    rev = forge.commit("g", {"package.json": MANIFEST, "text": "a\nb\n", "gone": "x"})
    lock(project, f"git+{forge.base}g.git#{rev}")
    assert generate(home, project).status == 0
    plain = line(project)
    hook = home / "hooks/post-checkout"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho x > extra\n")
    hook.chmod(0o755)
    (home / "attributes").write_text("* text eol=crlf\n* filter=odd\n")
    (home / ".gitconfig").write_text(
        f"[core]\n  autocrlf = true\n  eol = crlf\n  hooksPath = {hook.parent}\n"
        f'  attributesFile = {home}/attributes\n[filter "odd"]\n  smudge = tr a-z A-Z\n'
    )
    run = generate(home, project, "--cache-dir", home / "other", GIT_DIR="/nowhere")
    assert run.status == 0, run.stderr
    assert line(project) == plain


@pytest.mark.parametrize("script", ["prepare", "prepack"])
def test_a_script_that_npm_runs_before_packing_is_a_blocker_that_says_so(
    home: Path, project: Path, forge: Forge, script: str
) -> None:
    manifest = json.dumps(
        {"name": "g", "version": "1.0.0", "scripts": {script: "tsc", "test": "x"}}
    )
    rev = forge.commit("g", {"package.json": manifest})
    lock(project, f"git+{forge.base}g.git#{rev}")
    run = generate(home, project, "--json")
    assert run.status == 0, run.stderr
    (state,) = run.json["projects"]
    assert state["canonical"] is False
    (blocker,) = state["blockers"]
    assert blocker["path"] == "node_modules/g0"
    assert f"(scripts: {script})" in blocker["reason"]
    assert blocker["reason"].endswith("they are in no lock")
    assert "1 blocker" in run.stderr
    assert "narHash" in line(project)  # the commit is fixed all the same
    asked = len(forge.requests)
    assert generate(home, project, "--check").status == 0
    assert generate(home, project, "--require-canonical").status == 2
    assert len(forge.requests) == asked


@pytest.mark.parametrize(
    "fields",
    [
        {"scripts": {"build": "tsc", "test": "x", "postinstall": "true"}},
        {"scripts": {"prepublish": "x"}},
        {"dependencies": {"a": "1"}, "bundleDependencies": ["a"]},
        {"workspaces": ["packages/*"]},
    ],
)
def test_what_npm_does_not_build_before_it_packs_it_is_packed_as_it_is(
    home: Path, project: Path, forge: Forge, fields: dict[str, object]
) -> None:
    manifest = json.dumps({"name": "g", "version": "1.0.0", **fields})
    rev = forge.commit("g", {"package.json": manifest})
    lock(project, f"git+{forge.base}g.git#{rev}")
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    assert "prepare" not in line(project)


def test_what_a_forge_keeps_from_its_archives_is_a_blocker(
    home: Path, project: Path, forge: Forge
) -> None:
    rev = forge.commit("u/g", {"package.json": MANIFEST, ".gitattributes": "/test export-ignore\n"})
    (home / ".gitconfig").write_text(f'[url "{forge.base}"]\n  insteadOf = https://github.com/\n')
    lock(project, f"github:u/g#{rev}")
    run = generate(home, project)
    assert run.status == 0
    assert "export-ignore" in run.stderr


def test_a_directory_of_a_repository_is_named_in_the_file(
    home: Path, project: Path, forge: Forge
) -> None:
    rev = forge.commit("g", {"packages/a/package.json": MANIFEST})
    lock(project, f"git+{forge.base}g.git#{rev}::path:packages/a")
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    assert 'subdirectory = "packages/a";' in line(project)


def test_a_repository_or_commit_that_is_not_there_is_reported_with_gits_words(
    home: Path, project: Path, forge: Forge
) -> None:
    forge.commit("g", {"package.json": MANIFEST})
    lock(project, f"git+{forge.base}g.git#{'a' * 40}", f"git+{forge.base}none.git#{'b' * 40}")
    run = generate(home, project)
    assert run.status == 3
    assert "2 of 2 git revisions could not be fetched" in run.stderr
    assert "(node_modules/g0)" in run.stderr
    assert "(node_modules/g1)" in run.stderr
    assert "fatal:" in run.stderr
    assert not (project / "node-packages.nix").exists()
    offline = generate(home, project, "--offline")
    assert offline.status == 3
    assert "not in the cache" in offline.stderr


def test_credentials_come_from_git_itself_and_go_nowhere_else(
    home: Path, project: Path, forge: Forge
) -> None:
    rev = forge.commit("g", {"package.json": MANIFEST})
    forge.demanded = f"Basic {base64.b64encode(b'me:secretvalue').decode()}"
    lock(project, f"git+http://other:locksecret@{forge.base.removeprefix('http://')}g.git#{rev}")
    refused = generate(home, project)
    assert refused.status == 3
    (home / ".git-credentials").write_text(
        forge.base.replace("http://", "http://me:secretvalue@").rstrip("/") + "\n"
    )
    (home / ".gitconfig").write_text("[credential]\n  helper = store\n")
    run = generate(home, project, "--json")
    assert run.status == 0, run.stderr
    for text in (refused.stderr, run.stdout, run.stderr, line(project)):
        assert "secret" not in text
    for file in (home / "cache").rglob("*"):
        assert not file.is_file() or b"secret" not in file.read_bytes()


@pytest.mark.npm
def test_the_tree_packed_as_npm_packs_is_what_npm_ci_installs(
    home: Path, project: Path, forge: Forge
) -> None:
    manifest = {"name": "g0", "version": "1.0.0", "bin": {"g": "./cli.js"}, "files": ["lib"]}
    inner = forge.commit("inner", {"inner.txt": "i"})
    assert inner
    files = {
        "package.json": json.dumps(manifest),
        "cli.js": "#!/usr/bin/env node\n",
        "lib/a.js": "a",
        "lib/run*": "#!/bin/sh\n",
        "lib/.npmignore": "skipped.js\n",
        "lib/skipped.js": "",
        "test/t.js": "",
        "README.md": "r",
        ".npmrc": "x=1",
    }
    forge.commit("g", files)
    git(forge.root / "work/g", "remote", "add", "origin", f"{forge.base}g.git")
    rev = forge.commit("g", {}, more=("submodule", "add", "../inner.git", "lib/sub"))
    address = f"git+{forge.base}g.git#{rev}"
    lock(project, address)
    content = json.loads((project / "package-lock.json").read_text())
    content["packages"][""]["dependencies"] = {"g0": address}
    del content["packages"]["node_modules/g0"]["integrity"]
    (project / "package-lock.json").write_text(json.dumps(content))
    (project / "package.json").write_text(json.dumps(content["packages"][""]))
    run = generate(home, project, "--require-canonical")
    assert run.status == 0, run.stderr
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-update-notifier"],
        cwd=project,
        env=npm_environment(home),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    installed = project / "node_modules/g0"
    theirs = {
        str(file.relative_to(installed)): (file.read_bytes(), bool(file.stat().st_mode & 0o100))
        for file in installed.rglob("*")
        if file.is_file()
    }
    (tree,) = (home / "cache/tree").iterdir()
    ours = {
        file.path: ((tree / file.path).read_bytes(), file.executable) for file in packed_files(tree)
    }
    assert ours == theirs
    assert {"lib/a.js", "lib/sub/inner.txt", "cli.js"} <= ours.keys()
    assert not {"lib/skipped.js", "test/t.js", ".npmrc"} & ours.keys()


def test_a_tree_deeper_than_python_calls_is_fetched_and_leaves_nothing_behind(
    home: Path, project: Path, forge: Forge
) -> None:
    path = "d/" * 1200 + "file"
    forge.commit("g", {"package.json": MANIFEST})
    # git's own commands make what no single path could
    blob = git(forge.root / "g.git", "hash-object", "-w", f"{forge.root}/work/g/package.json")
    tree = f"100644 blob {blob}\tfile"
    for _ in range(1200):
        below = mktree(forge, tree)
        tree = f"040000 tree {below}\td"
    top = mktree(forge, f"{tree}\n100644 blob {blob}\tpackage.json")
    rev = git(forge.root / "g.git", "commit-tree", "-m", "deep", top)
    git(forge.root / "g.git", "update-ref", "refs/heads/main", rev)
    lock(project, f"git+{forge.base}g.git#{rev}")
    run = generate(home, project)
    assert run.status == 0, run.stderr
    assert [path.name for path in (home / "cache/partial").iterdir()] == ["lock"]
    (fetched,) = (home / "cache/tree").iterdir()
    assert (fetched / path).is_file()
    remove_tree(fetched)  # pytest cannot


def mktree(forge: Forge, text: str) -> str:
    done = subprocess.run(
        ["git", "mktree"],
        cwd=forge.root / "g.git",
        input=f"{text}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
