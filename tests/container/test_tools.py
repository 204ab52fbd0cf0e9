"""Which programs a container gets, and what it must see of the host for them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.container.limits import Limits
from npm2nixlite.container.tools import find_tools
from npm2nixlite.errors import UsageError

if TYPE_CHECKING:
    from tests.support.container_host import Yard

pytestmark = pytest.mark.container


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_program_of_another_content_has_another_identity(tmp_path: Path) -> None:
    tool = program(tmp_path / "bin" / "tool")
    before = find_tools([str(tool)], [tmp_path]).identities()
    assert find_tools([str(tool)], [tmp_path]).identities() == before
    program(tool, "#!/bin/sh\nexit 1\n")
    assert find_tools([str(tool)], [tmp_path]).identities() != before


def test_npm_of_another_version_has_another_identity(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "node_modules" / "npm"
    program(package / "bin" / "npm-cli.js", "#!/usr/bin/env node\n")
    (package / "package.json").write_text('{"version": "1.0.0"}')
    (tmp_path / "npm").symlink_to(package / "bin" / "npm-cli.js")
    before = find_tools([str(tmp_path / "npm")], [tmp_path]).identities()
    (package / "package.json").write_text('{"version": "2.0.0"}')
    assert find_tools([str(tmp_path / "npm")], [tmp_path]).identities() != before


def test_a_directory_stands_for_all_its_programs(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "one")
    program(tmp_path / "bin" / "two")
    (tmp_path / "bin" / "notes.txt").write_text("no program")
    tools = find_tools([str(tmp_path)], [tmp_path])
    assert {"one", "two", "sh", "env"} <= set(tools.programs)
    assert "notes.txt" not in tools.programs
    assert tmp_path in tools.mounts


def test_a_program_in_somebodys_home_is_refused(tmp_path: Path) -> None:
    tool = program(tmp_path / "bin" / "tool")
    with pytest.raises(UsageError) as refused:
        find_tools([str(tool)])
    assert str(tool) in str(refused.value)
    assert "--visible" in refused.value.hint


@pytest.mark.nix
@pytest.mark.parametrize("runner", ["bwrap", "nspawn"], indirect=True)
def test_of_the_nix_store_only_a_programs_closure_is_seen(yard: Yard, tmp_path: Path) -> None:
    if not Path("/nix/store").is_dir():
        pytest.skip("there is no Nix store at its usual place")

    def add(name: str, text: str) -> str:
        file = program(tmp_path / name, text)
        command = ["nix-store", "--add", str(file)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    seen = add("npm2nixlite-test-tool", "#!/bin/sh\necho from the store\n")
    hidden = add("npm2nixlite-test-stranger", "#!/bin/sh\necho a stranger\n")
    script = f"{Path(seen).name} >answer.txt; ls /nix/store >store.txt; [ ! -e {hidden} ]\n"
    run = yard.build(f"--tool={seen}", "--tool=ls", yard.script(script))
    assert run.status == 0, run.stderr
    assert (yard.current / "answer.txt").read_text() == "from the store\n"
    assert (yard.current / "store.txt").read_text().split() == [Path(seen).name]


def test_where_systemd_runs_a_scope_has_the_limits() -> None:
    command = Limits(memory=1 << 30, cpus=2).scope("websitebuild01234567")
    assert command[0] == "systemd-run"
    assert "--scope" in command
    assert f"--unit=websitebuild01234567-{os.getpid()}" in command
    assert "--property=MemoryMax=1073741824" in command
    assert "--property=CPUQuota=200%" in command
