"""Every shell script, of Nix, of NixOS and of CI, judged by shellcheck."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.support.projects import ROOT

SCRIPTS = sorted(
    path.relative_to(ROOT) for path in [*(ROOT / "nix").rglob("*.sh"), *(ROOT / ".ci").iterdir()]
)


@pytest.mark.skipif(
    shutil.which("shellcheck") is None and not os.environ.get("NPM2NIXLITE_REQUIRE_TOOLS"),
    reason="there is no shellcheck",
)
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_shellcheck_finds_nothing(script: object) -> None:
    done = subprocess.run(
        ["shellcheck", "--external-sources", str(script)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_scripts_to_look_at() -> None:
    names = {path.name for path in SCRIPTS}
    assert {"database.sh", "backend.sh", "frontend.sh", "assets.sh", "setup"} <= names
