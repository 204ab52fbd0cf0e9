"""The tarball that is packed: what it unpacks to is what npm's own unpacks to."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.pack.tarball import pack
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    directory = tmp_path / "package"
    (directory / "lib" / ("n" * 120)).mkdir(parents=True)
    (directory / "package.json").write_text(
        json.dumps({"name": "p", "version": "1.0.0", "bin": "cli.js"})
    )
    (directory / "cli.js").write_text("#!/usr/bin/env node\r\n")
    (directory / "lib" / ("n" * 120) / "ü.bin").write_bytes(bytes(range(256)) * 999)
    (directory / "lib/run").write_text("x")
    (directory / "lib/run").chmod(0o700)
    (directory / "lib/link").symlink_to("run")
    (directory / "empty").write_text("")
    (directory / ".gitignore").write_text("skipped\n")
    (directory / "skipped").write_text("")
    return directory


def members(tarball: Path) -> dict[str, tuple[int, bytes]]:
    with tarfile.open(tarball) as archive:
        found = {}
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name] = (member.mode & 0o111, content.read())
        return found


@pytest.mark.npm
def test_it_has_the_members_modes_and_bytes_of_npms(package: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", tmp_path],
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    pack(package, tmp_path / "ours.tgz")
    ours, theirs = members(tmp_path / "ours.tgz"), members(tmp_path / done.stdout.strip())
    assert {name: (bool(mode), data) for name, (mode, data) in ours.items()} == {
        name: (bool(mode & 0o100), data) for name, (mode, data) in theirs.items()
    }
    assert "package/skipped" not in ours


def test_the_same_files_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    pack(package, tmp_path / "one.tgz")
    (package / "cli.js").touch()
    pack(package, tmp_path / "two.tgz")
    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


def test_it_runs_as_a_command_without_any_further_library(package: Path, tmp_path: Path) -> None:
    # -I -S: no site-packages, as in the Nix sandbox
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; sys.argv[0] = 'pack'; "
    code += "runpy.run_module('npm2nixlite.pack', run_name='__main__')"

    def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    done = run(package, tmp_path / "out.tgz")
    assert done.returncode == 0, done.stderr
    assert "package/cli.js" in members(tmp_path / "out.tgz")
    assert run().returncode == 2
    failed = run(tmp_path / "nowhere", tmp_path / "x.tgz")
    assert failed.returncode == 2
    assert "no package.json" in failed.stderr
    assert "Traceback" not in failed.stderr
