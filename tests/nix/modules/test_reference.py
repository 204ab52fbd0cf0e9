"""The reference of options: whole, and what the modules say."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.nix.modules.test_modules import NIXPKGS_LIB, system
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

SCRIPT = ROOT / "nix/modules/reference/write.py"
PAGE = ROOT / "docs/mempool-options.md"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)


def test_the_page_is_what_the_modules_say() -> None:
    done = run("--check")
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert run("--check", f"--output={page}").returncode == 1
    page.write_text(PAGE.read_text().replace("enable", "able", 1))
    assert run("--check", f"--output={page}").returncode == 1
    assert run(f"--output={page}").returncode == 0
    assert page.read_text() == PAGE.read_text()


def test_every_option_says_what_it_is_for() -> None:
    entries = PAGE.read_text().split("\n### ")[1:]
    assert len(entries) > 100
    for entry in entries:
        title, blank, description, *_ = entry.split("\n")
        assert title.startswith("`services."), title
        assert not blank
        assert len(description) > 5, title
        assert "- type: unspecified" not in entry, title


@pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib")
def test_nixpkgs_finds_the_same_options(nix: Nix) -> None:
    names = system(
        nix,
        "{ }",
        f"""let
          lib = import {NIXPKGS_LIB};
          ours = {{ services = {{ inherit (s.options.services) mempool mempool-backend
            mempool-frontend electrs; }}; }};
        in map (option: option.name) (builtins.filter (option: !option.internal)
          (lib.optionAttrSetToDocList ours))""",
    )
    networks = "mainnet|testnet4|testnet|signet|regtest"
    expected = {
        re.sub(rf"^(services\.mempool)\.({networks})\.", r"\1.<network>.", name) for name in names
    }
    found = set(re.findall(r"^### `(.*)`$", PAGE.read_text(), re.MULTILINE))
    assert found == {name for name in expected if "_module" not in name}
