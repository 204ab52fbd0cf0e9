"""The units, judged by systemd itself, without running them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.nix.modules.test_build_units import BUILD
from tests.nix.modules.test_modules import NIXPKGS_LIB, system
from tests.nix.modules.test_units import BACKEND, ELECTRS
from tests.support.logic import call
from tests.support.units import complaints, render

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
    ),
]


@pytest.fixture
def units(nix: Nix, tmp_path: Path) -> list[Path]:
    """Unit files of all kinds, whose programs exist."""
    for program in ("bin/mempool-backend", "bin/electrs", "bin/node", "bin/npm2nixlite"):
        (tmp_path / program).parent.mkdir(exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    package = {"outPath": str(tmp_path), "configPath": "lib/mempool-config.json"}
    calls = {
        "mempool-signet": (
            "backendUnit",
            {**BACKEND, "nodejs": str(tmp_path), "package": {**package, "version": "3.3.1"}},
        ),
        "mempool-old": (
            "backendUnit",
            {**BACKEND, "nodejs": str(tmp_path), "package": {**package, "version": "2.4.1"}},
        ),
        "mempool-result": (
            "backendUnit",
            {
                **BACKEND,
                "nodejs": str(tmp_path),
                "package": {"version": "3.3.1"},
                "result": "/var/lib/mempool/results/mempool-backend/current",
            },
        ),
        "mempool-backend-build": (
            "containerBuildUnit",
            {**BUILD, "program": str(tmp_path), "path": [str(tmp_path)]},
        ),
        "mempool-signet-database": (
            "databaseUnit",
            {
                "name": "signet",
                "script": "/x",
                "shell": "/bin/sh",
                "client": str(tmp_path),
                "database": "mempool",
                "user": "mempool-signet",
                "socket": "/run/mysqld/mysqld.sock",
                "passwordFile": "/run/keys/db",
            },
        ),
        "electrs-signet": (
            "electrsUnit",
            {
                "name": "signet",
                "package": {**package, "version": "0.10.9"},
                "instance": {**ELECTRS, "network": "signet"},
            },
        ),
    }
    files = []
    for name, (function, arguments) in calls.items():
        unit = nix.eval(call(function, arguments))
        (tmp_path / f"{name}.service").write_text(render(unit))
        files.append(tmp_path / f"{name}.service")
    slice_config = nix.eval(call("buildSlice", {"allow": ["127.0.0.53"], "deny": ["localhost"]}))
    text = render({"description": "Builds", "sliceConfig": slice_config})
    (tmp_path / "mempool-build.slice").write_text(text)
    return [*files, tmp_path / "mempool-build.slice"]


def test_systemd_knows_every_setting(units: list[Path]) -> None:
    assert complaints(units) == ""


def test_systemd_complains_of_a_setting_that_it_does_not_know(tmp_path: Path) -> None:
    unit = {"description": "One", "serviceConfig": {"ExecStart": "/bin/true", "NoSuchThing": 1}}
    (tmp_path / "one.service").write_text(render(unit))
    assert "NoSuchThing" in complaints([tmp_path / "one.service"])


@pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib")
def test_systemd_knows_every_setting_of_a_whole_configuration(nix: Nix, tmp_path: Path) -> None:
    found = system(
        nix,
        """{
          services.mempool = {
            mainnet.enable = true;
            signet.enable = true;
            container_build = { cpus = 2; environment.NOTE = "100% \\"sure\\" $HOME"; };
          };
          services.mempool-backend.mainnet.build = "container";
          services.mempool-frontend.build = "container";
        }""",
        "{ inherit (s) failed; inherit (s.config.systemd) services slices; }",
    )
    assert found["failed"] == []
    files = []
    for kind, units in {"service": found["services"], "slice": found["slices"]}.items():
        for name, unit in units.items():
            files.append(tmp_path / f"{name}.{kind}")
            files[-1].write_text(render(unit))
    assert {"mempool-backend-build.service", "mempool-frontend-build.service"} <= {
        file.name for file in files
    }
    # Nothing is built: in the place of each program stands one that does nothing.
    for file in files:
        for program in re.findall("^Exec[A-Za-z]*=(\\S+)", file.read_text(), re.MULTILINE):
            if not Path(program).exists():
                Path(program).parent.mkdir(parents=True, exist_ok=True)
                Path(program).write_text("#!/bin/sh\n")
                Path(program).chmod(0o755)
    assert complaints(files) == ""


def test_systemd_finds_little_exposed(units: list[Path]) -> None:
    for unit in units:
        # One acts as root, for MariaDB to know it; one makes containers; the last is no service.
        if unit.name.endswith(("-database.service", "-build.service", ".slice")):
            continue
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
