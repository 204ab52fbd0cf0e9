"""Git dependencies that npm builds before it packs them: built in the sandbox, by their own locks.

Real repositories, locks that the installed npm made, and its ``npm ci``, scripts and all, to
compare with.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.node_packages.read import read_node_packages
from tests.support.archives import Member, package
from tests.support.git import Forge, serve_git
from tests.support.nix import HOST_TOOLS
from tests.support.projects import ROOT, Run, npm_environment, run_program
from tests.support.registry import Answer, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = [pytest.mark.nix, pytest.mark.npm]

STAMP = b'#!/bin/sh\necho "$npm_lifecycle_event $(basename "$0")" >> "$1"\n'
LOCKING = ("install", "--package-lock-only", "--ignore-scripts")
LOG = "stamp dist/log"


class Yard:
    """A registry, a git server, npm and Nix, and a project that uses them all."""

    def __init__(self, home: Path, forge: Forge, registry: Registry, nix: Nix) -> None:
        self.home, self.forge, self.registry, self.nix = home, forge, registry, nix
        self.project = home / "project"
        self.publish("stamp", Member("package/stamp.sh", STAMP), bin={"stamp": "stamp.sh"})

    def publish(self, name: str, *members: Member, **fields: Any) -> None:
        data = package(name, *members, **fields)
        path = f"{name}/-/{name}-1.0.0.tgz"
        self.registry.answers[f"/{path}"] = Answer(body=data)
        dist = {"tarball": self.registry.base + path, "integrity": sri(data)}
        version = {"name": name, "version": "1.0.0", "dist": dist, **fields}
        self.registry.packages[name] = {
            "name": name,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
        }

    def npm(self, directory: Path, *arguments: str) -> None:
        flags = (f"--registry={self.registry.base}", f"--cache={self.home}/npm")
        done = subprocess.run(
            ["npm", *arguments, *flags, "--no-audit", "--no-fund", "--no-update-notifier"],
            cwd=directory,
            env=npm_environment(self.home),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def repository(
        self, name: str, manifest: dict[str, Any], files: dict[str, str], directory: str = ""
    ) -> str:
        """A repository with a lock that npm made; returns what a package.json calls it."""
        content = {"name": name, "version": "1.0.0", **manifest}
        below = f"{directory}/" if directory else ""
        work = self.forge.root / "work" / name / directory
        named = {below + path: text for path, text in files.items()}
        self.forge.commit(name, {**named, f"{below}package.json": json.dumps(content)})
        self.npm(work, *LOCKING, "--no-omit-lockfile-registry-resolved")
        rev = self.forge.commit(name, {})
        return f"git+{self.forge.base}{name}.git#{rev}" + (
            f"::path:{directory}" if directory else ""
        )

    def depend(self, **dependencies: str) -> None:
        """The project, with a lock that npm made."""
        self.project.mkdir()
        manifest = {"name": "project", "version": "1.0.0", "dependencies": dependencies}
        (self.project / "package.json").write_text(json.dumps(manifest))
        self.npm(self.project, *LOCKING)

    def run(self, command: str, *arguments: str | Path) -> Run:
        options = ("--cache-dir", self.home / "cache", "--registry", self.registry.base)
        return run_program(command, self.project, *options, *arguments, home=self.home)

    def build(self, **arguments: str) -> Path:
        more = "".join(f"{name} = {value};" for name, value in arguments.items())
        expression = f"""
          (import {ROOT}/nix {{
            pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
            registry = "{self.registry.base}";
          }}).mkNodeModules {{
            packages = {self.project}/node-packages.nix;
            lock = {self.project}/package-lock.json;
            {more}
          }}"""
        built = self.nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", expression)
        return Path(built.stdout.strip()) / "node_modules"

    def assert_as_npm(self, built: Path) -> None:
        """Compare with ``npm ci``, whose scripts run."""
        self.npm(self.project, "ci")
        modules = self.project / "node_modules"
        assert contents(built) == contents(modules)


def contents(tree: Path) -> dict[str, tuple[bytes, bool]]:
    return {
        str(path.relative_to(tree)): (
            bytes(path.readlink()) if path.is_symlink() else path.read_bytes(),
            bool(path.stat().st_mode & 0o100),
        )
        for path in tree.rglob("*")
        if not path.is_dir()
    }


@pytest.fixture
def yard(home: Path, tmp_path: Path, registry: Registry, nix: Nix) -> Iterator[Yard]:
    with serve_git(tmp_path / "forge") as forge:
        yield Yard(home, forge, registry, nix)


@pytest.mark.parametrize("directory", ["", "packages/g"])
def test_a_git_dependency_is_built_by_its_own_lock_as_npm_ci_builds_it(
    yard: Yard, directory: str
) -> None:
    events = ("prepublish", "preprepare", "prepare", "postprepare", "prepack", "postpack", "build")
    manifest = {
        "files": ["dist", "tool*"],
        "bin": {"g": "tool.sh"},
        "scripts": {**dict.fromkeys(events, LOG), "postprepare": "npm run build"},
        "devDependencies": {"stamp": "^1.0.0"},
    }
    files = {
        "dist/index.js": "i",
        "tool.sh": "#!/usr/bin/env sh\n",
        "source": "",
        "dist/.npmignore": "skipped\n",
        "dist/skipped": "",
    }
    yard.depend(g=yard.repository("g", manifest, files, directory))
    run = yard.run("generate", "--require-canonical")
    assert run.status == 0, run.stderr
    text = (yard.project / "node-packages.nix").read_text()
    assert "prepare = true; }" in text
    assert (
        '      "node_modules/stamp" = { version = "1.0.0"; path = "stamp/-/stamp-1.0.0.tgz"' in text
    )
    assert str(yard.home) not in text
    file = f"(import {yard.project}/node-packages.nix {{ registry = {yard.registry.base!r}; }})"
    file = file.replace("'", '"')
    assert yard.nix.eval(f"{file}.canonical") is True
    assert yard.nix.eval(f"builtins.length {file}.sources") == 1
    kept = f'{file}.packages."node_modules/g".prepare."node_modules/stamp"'
    assert yard.nix.eval(f"{kept}.version") == "1.0.0"
    assert yard.nix.eval(f"{kept}.src == builtins.head {file}.sources")

    asked = len(yard.forge.requests), yard.registry.connections
    again = yard.run("generate", "--check")
    assert again.status == 0, again.stdout
    assert (len(yard.forge.requests), yard.registry.connections) == asked

    built = yard.build()
    events_run = (built / "g/dist/log").read_text().split("\n")
    assert [line.partition(" ")[0] for line in events_run if line] == [
        *("prepublish", "preprepare", "prepare", "build", "prepare")
    ]
    assert not (built / "g/source").exists()
    yard.assert_as_npm(built)
    verified = yard.run("verify")
    assert verified.status == 0, verified.stdout + verified.stderr


@pytest.mark.xfail(
    reason="a lock's entry inside of a package (node_modules/g0/packages/a) is refused as damaged"
)
def test_what_a_build_needs_may_be_built_in_turn_and_bundled_or_lie_in_the_repository(
    yard: Yard, tmp_path: Path
) -> None:
    inner = yard.repository(
        "inner",
        {
            "bin": {"inner": "inner.sh"},
            "scripts": {"prepare": "cp source inner.sh; chmod +x inner.sh"},
        },
        {"source": '#!/bin/sh\necho inner >> "$1"\n'},
    )
    stamp = tmp_path / "packed.tgz"
    stamp.write_bytes(package("packed", Member("package/p.sh", STAMP), bin={"packed": "p.sh"}))
    yard.publish("kept", Member("package/k.js", b"k"), dependencies={"deep": "^1.0.0"})
    yard.publish("deep", Member("package/d.js", b"d"), Member("package/.npmignore", b"d.js"))
    manifest = {
        "scripts": {"prepare": "inner log && packed log && cat packages/a/a.txt >> log"},
        "workspaces": ["packages/*"],
        "bundleDependencies": ["kept"],
        "dependencies": {"kept": "^1.0.0"},
        "devDependencies": {"inner": inner, "packed": "file:vendor/packed.tgz"},
    }
    files = {
        "packages/a/package.json": '{"name": "a", "version": "1.0.0", "bin": "a.txt"}',
        "packages/a/a.txt": "a\n",
        "vendor/.keep": "",
    }
    work = yard.forge.root / "work/outer/vendor"
    yard.forge.commit("outer", {"package.json": "{}", **files})
    (work / "packed.tgz").write_bytes(stamp.read_bytes())
    yard.depend(g0=yard.repository("outer", manifest, files))
    run = yard.run("generate", "--json", "--require-canonical")
    assert run.status == 0, run.stderr
    built = yard.build()
    name = next(path.name for path in built.iterdir() if not path.name.startswith("."))
    log = (built / name / "log").read_text().splitlines()
    assert log == ["inner", "prepare packed", "a"] * 2
    assert (built / name / "node_modules/deep/d.js").read_text() == "d"
    assert not (built / name / "node_modules/inner").exists()
    yard.assert_as_npm(built)
    verified = yard.run("verify")
    assert verified.status == 0, verified.stdout + verified.stderr


def test_install_scripts_run_in_a_build_for_those_only_that_are_named(yard: Yard) -> None:
    touch = "echo $npm_package_name:$npm_lifecycle_event >> ../../log; touch done"
    yard.publish("addon", scripts={"postinstall": touch})
    manifest = {
        "scripts": {"prepare": "test -e log || touch log", "install": "echo own >> log"},
        "devDependencies": {"addon": "^1.0.0"},
    }
    yard.depend(g=yard.repository("g", manifest, {}))
    assert yard.run("generate").status == 0
    assert (yard.build() / "g/log").read_text() == ""
    assert (yard.build(allowScripts='[ "addon" ]') / "g/log").read_text() == "addon:postinstall\n"
    both = (yard.build(allowScripts='[ "addon" "g" ]') / "g/log").read_text()
    assert both == "addon:postinstall\nown\nown\n"  # once in the build, once when it is installed


def test_a_failing_build_says_whose_script_it_was(yard: Yard) -> None:
    yard.depend(g=yard.repository("g", {"scripts": {"prepare": "exit 7"}}, {}))
    assert yard.run("generate", "--require-canonical").status == 0
    with pytest.raises(AssertionError, match="its prepare script fails with status 7: exit 7"):
        yard.build()


def test_what_cannot_be_built_by_its_own_lock_is_a_blocker_that_says_why(yard: Yard) -> None:
    scripts = {"scripts": {"prepare": "true"}}
    unlocked = yard.forge.commit(
        "unlocked", {"package.json": json.dumps({"name": "u", "version": "1.0.0", **scripts})}
    )
    address = f"git+{yard.forge.base}unlocked.git#{unlocked}"
    wants = yard.repository("wants", {**scripts, "devDependencies": {"u": address}}, {})
    stale = yard.repository("stale", {**scripts, "devDependencies": {"stamp": "^1.0.0"}}, {})
    changed = {"name": "stale", "version": "1.0.0", **scripts, "devDependencies": {"other": "2"}}
    rev = yard.forge.commit("stale", {"package.json": json.dumps(changed)})
    stale = f"{stale.partition('#')[0]}#{rev}"
    broken = yard.forge.commit(
        "broken",
        {
            "package.json": json.dumps({"name": "broken", "version": "1.0.0", **scripts}),
            "package-lock.json": "{}",
        },
    )
    yard.depend(wants=wants, stale=stale, broken=f"git+{yard.forge.base}broken.git#{broken}")
    run = yard.run("generate", "--json")
    assert run.status == 0, run.stderr
    (state,) = run.json["projects"]
    assert state["canonical"] is False
    reasons = {item["path"]: item["reason"] for item in state["blockers"]}
    assert reasons["node_modules/wants"] == (
        "git dependency: its own lock is not canonical: node_modules/u: git dependency: npm "
        "installs its dependencies before packing it (scripts: prepare); they are in no lock"
    )
    assert "by its own lock, but the lock is out of step" in reasons["node_modules/stale"]
    assert "package.json asks for other@2" in reasons["node_modules/stale"]
    assert "no lockfileVersion" in reasons["node_modules/broken"]
    text = (yard.project / "node-packages.nix").read_text()
    assert str(yard.home) not in text
    assert "prepared = {" not in text
    refused = yard.run("generate", "--require-canonical")
    assert refused.status == 2
    assert "3 blockers" in refused.stderr


def test_a_node_modules_in_the_repository_and_another_hash_are_told(yard: Yard) -> None:
    manifest = {"scripts": {"prepare": LOG}, "devDependencies": {"stamp": "^1.0.0"}}
    address = yard.repository("g", manifest, {})
    lock = yard.forge.root / "work/g/package-lock.json"
    published = yard.registry.packages["stamp"]["versions"]["1.0.0"]["dist"]["integrity"]
    wrong = lock.read_text().replace(published, sri(b"another"))
    yard.depend(g=address, stamp="^1.0.0")
    assert yard.run("generate").status == 0
    rev = yard.forge.commit("g", {"package-lock.json": wrong})
    for name in ("package.json", "package-lock.json"):
        file = yard.project / name
        file.write_text(file.read_text().replace(address.partition("#")[2], rev))
    clash = yard.run("generate", "--trust-lock")
    assert clash.status == 3
    assert "stamp-1.0.0.tgz has another hash in a git dependency's own lock" in clash.stderr
    modules = yard.forge.commit("g", {"node_modules/x/package.json": "{}"})
    for name in ("package.json", "package-lock.json"):
        file = yard.project / name
        file.write_text(file.read_text().replace(rev, modules))
    run = yard.run("generate")
    assert run.status == 0, run.stderr
    assert "over the node_modules that its repository has" in run.stderr


def test_a_token_goes_to_no_host_that_a_git_dependencys_own_lock_names(yard: Yard) -> None:
    with serve_registry() as other:
        manifest = {"scripts": {"prepare": LOG}, "devDependencies": {"stamp": "^1.0.0"}}
        address = yard.repository("g", manifest, {})
        lock = yard.forge.root / "work/g/package-lock.json"
        text = lock.read_text().replace(yard.registry.base, f"{other.base}files/")
        rev = yard.forge.commit("g", {"package-lock.json": text})
        path = "/stamp/-/stamp-1.0.0.tgz"
        other.answers[f"/files{path}"] = yard.registry.answers[path]
        yard.publish("kept")
        yard.depend(g=f"{address.partition('#')[0]}#{rev}", kept="^1.0.0")
        (yard.home / ".npmrc").write_text(
            f"{yard.registry.base.removeprefix('http:')}:_authToken=secretvalue\n"
        )
        yard.registry.requests.clear()
        run = yard.run("generate", "--json")
        assert run.status == 0, run.stderr
        assert other.paths() == [f"/files{path}"]
        assert "Authorization" not in other.requests[0].headers
        own = [item.headers.get("Authorization") for item in yard.registry.requests]
        assert own == ["Bearer secretvalue"]
        file = (yard.project / "node-packages.nix").read_text()
        for output in (file, run.stdout, run.stderr):
            assert "secretvalue" not in output


def test_what_a_build_needs_is_in_what_is_read_back_and_checked(yard: Yard) -> None:
    manifest = {"scripts": {"prepare": LOG}, "devDependencies": {"stamp": "^1.0.0"}}
    yard.depend(g=yard.repository("g", manifest, {}))
    assert yard.run("generate").status == 0
    file = yard.project / "node-packages.nix"
    back = read_node_packages(file.read_text(), "f")
    ((dependency, path),) = (key.split(" ") for key, _ in back.labelled() if " " in key)
    assert dependency.startswith(f"{yard.forge.base}g.git#")
    assert path == "node_modules/stamp"
    file.write_text(file.read_text().replace("stamp-1.0.0.tgz", "stamp-0.9.0.tgz"))
    stale = yard.run("generate", "--check")
    assert stale.status == 1
    assert f"changed  {dependency} {path} 1.0.0" in stale.stdout
