"""The script that adds a release, on sources of mempool's shape."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT, environment, write_lock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

CARGO_LOCK = """
version = 3
[[package]]
name = "gbt"
version = "1.0.0"
dependencies = ["napi"]
[[package]]
name = "napi"
version = "2.16.6"
source = "registry+https://registry.example/index"
checksum = "00ff"
"""


class Script:
    """The script, with sources and releases in directories of the test's."""

    def __init__(self, directory: Path, registry: Registry, home: Path) -> None:
        self.sources, self.releases = directory / "sources", directory / "releases"
        self.registry, self.home = registry, home

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                str(ROOT / "nix/mempool/release.py"),
                *arguments,
                f"--source={self.sources}",
                f"--releases={self.releases}",
            ],
            env=environment(self.home, npm_config_registry=self.registry.base),
            capture_output=True,
            text=True,
        )

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.releases)): path.read_text()
            for path in self.releases.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def script(tmp_path: Path, registry: Registry, home: Path) -> Script:
    made = Script(tmp_path, registry, home)
    source = made.sources / "v9.9.9"
    for project in ("backend", "frontend"):
        (source / project).mkdir(parents=True)
        registry.publish(f"only-{project}")
        write_lock(source / project, {f"node_modules/only-{project}": {"version": "1.0.0"}})
        (source / project / "package.json").write_text('{"engines": {"node": ">=18.1"}}')
    locales: dict[str, object] = {"i18n": {"locales": {"pt": {}, "de": {}}}}
    (source / "frontend/angular.json").write_text(json.dumps({"projects": {"mempool": locales}}))
    (source / ".nvmrc").write_text("v24.13.0\n")
    (source / "rust/gbt").mkdir(parents=True)
    build = {"build": "npm install --no-save @napi-rs/cli@2.18.0 && napi build"}
    (source / "rust/gbt/package.json").write_text(json.dumps({"scripts": build}))
    (source / "rust/gbt/Cargo.lock").write_text(CARGO_LOCK)
    registry.publish("@napi-rs/cli", "2.18.0")
    for assets in ("mining-pool-logos", "mining-pools"):
        (made.sources / assets).mkdir()
    return made


ADD = ("add", "v9.9.9", "--commit", "abc", "--logos", "def", "--pools", "012")


def test_a_version_is_all_it_takes(script: Script, nix: Nix) -> None:
    done = script.run(*ADD)
    assert done.returncode == 0, done.stderr
    files = script.files()
    assert set(files) == {
        "9.9.9/release.json",
        "9.9.9/backend-packages.nix",
        "9.9.9/frontend-packages.nix",
        "9.9.9/rust-gbt-packages.nix",
        "9.9.9/rust-gbt-crates.json",
    }
    release = json.loads(files["9.9.9/release.json"])
    assert release["version"] == "9.9.9"
    assert release["nodejs"] == 24
    assert release["languages"] == ["de", "pt"]
    assert release["source"]["rev"] == "v9.9.9"
    hashed = nix.run("nix", "hash", "path", script.sources / "v9.9.9").stdout.strip()
    assert release["source"]["hash"] == hashed
    crates = json.loads(files["9.9.9/rust-gbt-crates.json"])
    assert crates == [{"name": "napi", "version": "2.16.6", "sha256": "00ff"}]
    assert "cli-2.18.0.tgz" in files["9.9.9/rust-gbt-packages.nix"]
    assert not any(script.registry.base in text for text in files.values())


def test_regenerating_changes_nothing(script: Script) -> None:
    script.run(*ADD)
    before = script.files()
    assert script.run("regenerate").returncode == 0
    assert script.files() == before


def test_a_source_that_changed_is_refused(script: Script) -> None:
    script.run(*ADD)
    (script.sources / "v9.9.9" / "new").touch()
    before = script.files()
    done = script.run("regenerate")
    assert done.returncode == 2
    assert "The source of v9.9.9 has the hash sha256-" in done.stderr
    assert script.files() == before


def test_node_is_taken_from_engines_where_no_nvmrc_says(script: Script) -> None:
    (script.sources / "v9.9.9/.nvmrc").write_text("lts/*\n")
    script.run(*ADD)
    assert json.loads(script.files()["9.9.9/release.json"])["nodejs"] == 18


def test_a_release_without_rust_has_none_of_its_files(script: Script) -> None:
    shutil.rmtree(script.sources / "v9.9.9/rust")
    script.run(*ADD)
    assert not [name for name in script.files() if "rust" in name]


def test_an_unknown_way_to_build_rust_is_said(script: Script) -> None:
    (script.sources / "v9.9.9/rust/gbt/package.json").write_text('{"scripts": {"build": "make"}}')
    done = script.run(*ADD)
    assert done.returncode == 2
    assert "names no version of @napi-rs/cli" in done.stderr


class TestCheck:
    def check(self, directory: Path, known: list[str], tags: list[str]) -> tuple[int, str]:
        repository = directory / "mempool/mempool"
        repository.mkdir(parents=True)
        git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@example"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
        for number, tag in enumerate(tags):
            # Annotated and plain ones, as there are.
            annotated = ["-m", "x"] if number % 2 else []
            subprocess.run([*git, "tag", *annotated, tag], check=True)
        for version in known:
            (directory / "releases" / version).mkdir(parents=True)
            (directory / "releases" / version / "release.json").write_text("{}")
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "nix/mempool/release.py"), "check"),
                f"--forge=file://{directory}",
                f"--releases={directory}/releases",
            ],
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout

    def test_prints_what_is_newer_than_all_known_ones(self, tmp_path: Path) -> None:
        tags = ["v2.5.1", "v3.2.0", "v3.3.1", "v3.10.0", "v3.9.2", "v4.0.0-rc1", "nightly"]
        assert self.check(tmp_path, ["2.5.1", "3.3.1"], tags) == (1, "3.9.2\n3.10.0\n")

    def test_is_content_where_nothing_is(self, tmp_path: Path) -> None:
        assert self.check(tmp_path, ["3.3.1"], ["v3.3.1", "v3.2.9", "v3.4.0-alpha1"]) == (0, "")

    def test_a_forge_that_does_not_answer_is_no_release(self) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "nix/mempool/release.py"), "check", "--forge=file:///none"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert not done.stdout


@pytest.mark.parametrize("version", ["2.5.1", "3.2.1", "3.3.1"])
def test_committed_releases_are_whole(nix: Nix, version: str) -> None:
    found = nix.eval(
        f"""let
          release = (import {ROOT}/nix/mempool/releases.nix)."{version}";
          load = file: import file {{ registry = "https://registry.example/"; }};
        in {{
          canonical = map (file: (load file).canonical)
            [ release.backendPackages release.frontendPackages ];
          rust = release.rustGbt != null;
          inherit (release) version languages nodejs;
        }}"""
    )
    assert found["version"] == version
    assert found["canonical"] == [True, True]
    assert found["rust"] == (version != "2.5.1")
    assert "de" in found["languages"]
