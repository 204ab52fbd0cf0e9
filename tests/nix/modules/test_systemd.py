"""The units, judged by systemd itself, without running them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix.modules.test_units import BACKEND, ELECTRS
from tests.support.logic import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
    ),
]


def as_text(unit: dict[str, Any]) -> str:
    """A unit file, as NixOS writes them."""
    lines = ["[Unit]", f"Description={unit['description']}"]
    for name, key in {"wants": "Wants", "after": "After", "partOf": "PartOf"}.items():
        if unit.get(name):
            lines.append(f"{key}={' '.join(unit[name])}")
    if "startLimitIntervalSec" in unit:
        lines.append(f"StartLimitIntervalSec={unit['startLimitIntervalSec']}")
    lines.append("[Service]")
    for name, value in unit.get("environment", {}).items():
        lines.append(f"Environment={json.dumps(f'{name}={value}')}")
    for name, value in unit["serviceConfig"].items():
        each = value if isinstance(value, list) else [value]
        lines += [f"{name}={str(one).lower() if isinstance(one, bool) else one}" for one in each]
    return "\n".join(lines) + "\n"


@pytest.fixture
def units(nix: Nix, tmp_path: Path) -> list[Path]:
    """Unit files of all kinds, whose programs exist."""
    for program in ("bin/mempool-backend", "bin/electrs", "bin/node"):
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
        "mempool-signet-database": (
            "databaseUnit",
            {
                "name": "signet",
                "script": "/x",
                "shell": "/bin/sh",
                "client": str(tmp_path),
                "database": "mempool",
                "user": "mempool-signet",
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
        (tmp_path / f"{name}.service").write_text(as_text(unit))
        files.append(tmp_path / f"{name}.service")
    return files


def test_systemd_knows_every_setting(units: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
    )
    complaints = [line for line in done.stderr.splitlines() if str(units[0].parent) in line]
    assert complaints == []
    assert "Unknown" not in done.stderr


def test_systemd_finds_little_exposed(units: list[Path]) -> None:
    for unit in units:
        if "database" in unit.name:  # it acts as root, for MariaDB to know it
            continue
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
