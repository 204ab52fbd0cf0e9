"""The scripts that build mempool in a container, on projects of its shape."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT, Run, write_lock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.container_host import Yard

pytestmark = [pytest.mark.container, pytest.mark.npm]

# The backend's own lock has this directory as a dependency, which its preinstall fills.
_GBT = """\
const { mkdirSync, writeFileSync } = require('fs');
mkdirSync('rust-gbt', { recursive: true });
writeFileSync('rust-gbt/package.json', '{"name": "gbt", "version": "1.0.0"}');
writeFileSync('rust-gbt/index.js', "exports.made = 'beside the backend'");
"""
_COMPILE = """\
const { mkdirSync, writeFileSync } = require('fs');
mkdirSync('dist');
const commit = process.env.MEMPOOL_COMMIT_HASH;
const lines = [`exports.commit = '${commit}';`, "exports.gbt = require('rust-gbt').made;"];
writeFileSync('dist/index.js', lines.join(''));
"""
_PAGES = """\
const { mkdirSync, writeFileSync } = require('fs');
if (!process.env.CI) throw new Error('it would draw a spinner');
mkdirSync('dist/mempool/browser/en-US', { recursive: true });
writeFileSync('dist/mempool/browser/en-US/index.html', process.env.DOCKER_COMMIT_HASH);
"""
_ONLINE = "throw new Error('it would go online');"
_SYNC = {
    "before-3.0.0": _ONLINE,
    "since-3.0.0": f"if (process.env.SKIP_SYNC === '1') process.exit(0);\n{_ONLINE}",
}


def write(source: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)


def build(yard: Yard, script: str, *options: str) -> Run:
    return yard.program(
        *("container-build", "web-site", yard.source),
        *(f"--script={ROOT}/nix/mempool/container/{script}", "--tool=/usr/bin", *options),
    )


def node(script: str) -> str:
    done = subprocess.run(["node", "-e", script], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def no_unit(yard: Yard) -> None:
    """There is nothing to be served: the stand-in for systemctl says that all is well."""
    (yard.root / "systemctl").write_text("#!/bin/sh\n")


def test_the_backends_result_has_what_its_preinstall_made_beside_it(yard: Yard) -> None:
    backend = yard.source / "backend"
    write_lock(
        backend,
        {
            "node_modules/rust-gbt": {"resolved": "rust-gbt", "link": True},
            "rust-gbt": {"name": "gbt", "version": "1.0.0"},
        },
    )
    lock = json.loads((backend / "package-lock.json").read_text())
    lock["packages"][""]["dependencies"] = {"rust-gbt": "file:./rust-gbt"}
    manifest = {
        "name": "project",
        "version": "1.0.0",
        "dependencies": {"rust-gbt": "file:./rust-gbt"},
        "scripts": {"preinstall": "node gbt.js", "build": "node compile.js"},
    }
    write(
        backend,
        {
            "package-lock.json": json.dumps(lock),
            "package.json": json.dumps(manifest),
            "gbt.js": _GBT,
            "compile.js": _COMPILE,
            "rust-gbt/package.json": '{"name": "gbt", "version": "1.0.0"}',
        },
    )
    run = build(yard, "backend.sh", "--output=backend", "--env=MEMPOOL_COMMIT_HASH=abc")
    assert run.status == 0, run.stderr + yard.log.read_text()
    script = f"const m = require('{yard.current}/dist/index.js'); console.log(m.commit, m.gbt)"
    assert node(script) == "abc beside the backend"
    assert (yard.current / "mempool-config.json").read_text() == "{}\n"


@pytest.mark.skipif(shutil.which("rsync") is None, reason="there is no rsync")
@pytest.mark.parametrize("release", _SYNC)
def test_the_pages_are_built_without_downloading_what_is_pinned(yard: Yard, release: str) -> None:
    frontend = yard.source / "frontend"
    write_lock(frontend, {})
    resources = "rsync -a ./src/resources ./dist/mempool/browser && node sync-assets.js"
    manifest = {
        "name": "project",
        "version": "1.0.0",
        "scripts": {"build": f"node pages.js && {resources}"},
    }
    write(
        frontend,
        {
            "package.json": json.dumps(manifest),
            "pages.js": _PAGES,
            "sync-assets.js": _SYNC[release],
            "src/resources/icon.svg": "<svg/>",
        },
    )
    logos = yard.root / "logos"
    write(logos, {"pool.svg": "<svg/>", "README.md": "read me"})
    assets = ROOT / "nix/mempool/assets.sh"
    run = build(
        yard,
        "frontend.sh",
        "--output=frontend/dist/mempool/browser",
        *(f"--visible={logos}", f"--visible={assets}", f"--env=MINING_POOL_LOGOS={logos}"),
        *(f"--env=ASSETS={assets}", "--env=SKIP_SYNC=1", "--env=CI=true"),
        "--env=DOCKER_COMMIT_HASH=abc",
    )
    assert run.status == 0, run.stderr + yard.log.read_text()
    root = yard.current.resolve()
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {
        "en-US/index.html",
        "resources/icon.svg",
        "resources/mining-pools/pool.svg",
    }
    assert (root / "en-US/index.html").read_text() == "abc"
