"""A project of mempool's shape, built for real in Nix's sandbox by what builds mempool."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.archives import Member, package
from tests.support.nix import HOST_TOOLS
from tests.support.projects import ROOT, run_program
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix


COMPILER = b"""#!/usr/bin/env node
const fs = require('fs');
fs.cpSync('src', 'dist', { recursive: true });
"""

BACKEND = """
const { served } = require('server');
const { name } = require('rust-gbt');
const config = require(process.env.MEMPOOL_CONFIG_FILE || '../mempool-config.json');
console.log(JSON.stringify({ served, name, config, commit: require('./version.json') }));
"""

PAGES = b"""#!/usr/bin/env node
const fs = require('fs');
if (!process.env.CI) throw new Error('it would draw a spinner');
for (const language of ['en-US', 'de']) {
  fs.mkdirSync(`dist/mempool/browser/${language}`, { recursive: true });
  fs.writeFileSync(`dist/mempool/browser/${language}/index.html`, language);
}
"""

OLD_SYNC = """
require('http').get('http://192.0.2.1/', () => {}).on('error', () => process.exit(1));
"""
NEW_SYNC = "if (process.env.SKIP_SYNC === '1') process.exit(0);\n" + OLD_SYNC


class Release:
    """A release of something like mempool: its source, its generated files, and Nix."""

    def __init__(self, directory: Path, nix: Nix, registry: Registry, home: Path) -> None:
        self.directory, self.nix, self.registry, self.home = directory, nix, registry, home

    def project(self, name: str, files: dict[str, str], tarballs: dict[str, Any]) -> None:
        source = self.directory / "source" / name
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        root = json.loads(files["package.json"])
        entries: dict[str, Any] = {}
        for path, (data, fields) in tarballs.items():
            entries[path] = fields
            if data is not None:
                package_name = path.removeprefix("node_modules/")
                base = package_name.rpartition("/")[2]
                self.registry.answers[f"/{package_name}/-/{base}-1.0.0.tgz"] = Answer(body=data)
                entries[path] = {"version": "1.0.0", "integrity": sri(data), **fields}
        (source / "package-lock.json").write_text(
            json.dumps({**root, "lockfileVersion": 3, "packages": {"": root, **entries}})
        )
        run = run_program(
            *("generate", source, "--registry", self.registry.base),
            *("--omit-registry-resolved", "-o", self.directory / f"{name}-packages.nix"),
            home=self.home,
        )
        assert run.status == 0, run.stderr

    def build(self, attribute: str) -> Path:
        done = self.nix.run(
            "nix-build",
            *HOST_TOOLS,
            "--no-out-link",
            "--expr",
            f"""
            let
              toolchain = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
              mempool = import {ROOT}/nix/mempool {{
                registry = "{self.registry.base}";
                pkgs = toolchain // {{
                  stdenv = toolchain.stdenv // {{ shell = "/bin/bash"; }};
                  rsync = "/usr";
                  fetchFromGitHub = {{ repo, ... }}: builtins.path {{
                    name = "source";
                    path = {self.directory} + "/${{repo}}";
                  }};
                  rustPlatform.buildRustPackage = _: {self.directory}/rust-gbt;
                  fetchurl = throw "not here";
                  runCommand = throw "not here";
                }};
                releases."1.0.0" = {{
                  miningPools = {{ owner = "o"; repo = "logos"; rev = "v1"; hash = ""; }};
                  version = "1.0.0";
                  source = {{
                    owner = "o"; repo = "source"; rev = "v1"; commit = "abc"; hash = "";
                  }};
                  miningPoolLogos = {{ owner = "o"; repo = "logos"; rev = "v1"; hash = ""; }};
                  nodejs = 20;
                  languages = [ "de" ];
                  rustGbt = {{ }};
                  backendPackages = {self.directory}/backend-packages.nix;
                  frontendPackages = {self.directory}/frontend-packages.nix;
                }};
              }};
            in mempool.latest.{attribute}""",
        )
        return Path(done.stdout.strip())


@pytest.fixture
def release(tmp_path: Path, nix: Nix, registry: Registry, home: Path) -> Release:
    directory = tmp_path / "release"
    for path, text in {
        "rust-gbt/package.json": '{"name": "gbt", "version": "1.0.0"}',
        "rust-gbt/index.js": "exports.name = 'gbt';",
        "logos/pool.svg": "<svg/>",
        "logos/README.md": "read me",
    }.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return Release(directory, nix, registry, home)


def test_backend_runs_with_what_it_needs_and_no_more(release: Release, tmp_path: Path) -> None:
    release.project(
        "backend",
        {
            "package.json": json.dumps(
                {
                    "name": "mempool-backend",
                    "version": "1.0.0",
                    "scripts": {
                        "build": "npm run tsc && npm run create-resources",
                        "tsc": "./node_modules/typescript/bin/tsc",
                        "create-resources": 'echo "\\"$MEMPOOL_COMMIT_HASH\\"" > dist/version.json',
                    },
                    "dependencies": {
                        "server": "1.0.0",
                        "typescript": "1.0.0",
                        "@types/node": "1.0.0",
                        "rust-gbt": "file:./rust-gbt",
                    },
                    "devDependencies": {"jest": "1.0.0"},
                }
            ),
            "src/index.js": BACKEND,
        },
        {
            "node_modules/server": (
                package("server", Member("package/index.js", b"exports.served = true;")),
                {},
            ),
            "node_modules/typescript": (
                package("typescript", Member("package/bin/tsc", COMPILER), bin={"tsc": "bin/tsc"}),
                {},
            ),
            "node_modules/@types/node": (package("@types/node"), {}),
            "node_modules/jest": (package("jest"), {"dev": True}),
            "node_modules/rust-gbt": (None, {"resolved": "rust-gbt", "link": True}),
            "rust-gbt": (None, {"name": "gbt", "version": "1.0.0"}),
        },
    )
    built = release.build("mempool-backend")

    config = tmp_path / "config.json"
    config.write_text('{"from": "outside"}')
    said = subprocess.run(
        [built / "bin/mempool-backend"],
        env={"MEMPOOL_CONFIG_FILE": str(config), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(said) == {
        "served": True,
        "name": "gbt",
        "config": {"from": "outside"},
        "commit": "abc",
    }
    closure = release.nix.run("nix-store", "-qR", built).stdout.split()
    held = {path.name for root in closure for path in Path(root).rglob("*")}
    assert "server" in held
    assert not held & {"typescript", "@types", "jest"}


@pytest.mark.skipif(shutil.which("rsync") is None, reason="there is no rsync")
@pytest.mark.parametrize("sync", [OLD_SYNC, NEW_SYNC], ids=["before 3.0.0", "since 3.0.0"])
def test_pages_are_built_without_going_online(release: Release, sync: str) -> None:
    release.project(
        "frontend",
        {
            "package.json": json.dumps(
                {
                    "name": "mempool-frontend",
                    "version": "1.0.0",
                    "scripts": {
                        "build": "npm run generate-config && ng && npm run sync-assets",
                        "generate-config": 'echo "// $DOCKER_COMMIT_HASH"'
                        " > src/resources/config.js",
                        "sync-assets": "rsync -a ./src/resources ./dist/mempool/browser"
                        " && node sync-assets.js 'dist/mempool/browser/resources/'",
                    },
                    "dependencies": {"ng": "1.0.0"},
                }
            ),
            "sync-assets.js": sync,
            "src/resources/icon.svg": "<svg/>",
        },
        {
            "node_modules/ng": (
                package("ng", Member("package/ng.js", PAGES), bin={"ng": "ng.js"}),
                {},
            ),
        },
    )
    root = release.build("mempool-frontend") / "share/mempool-frontend"
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {
        "en-US/index.html",
        "de/index.html",
        "resources/config.js",
        "resources/icon.svg",
        "resources/mining-pools/pool.svg",
    }
    assert (root / "resources/config.js").read_text() == "// abc\n"
