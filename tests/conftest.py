"""Fixtures of all tests, and what happens where a tool is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.support.nix import Nix
from tests.support.registry import Registry, serve_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TOOLS = {
    "container": ("systemd-nspawn", "bwrap", "setpriv", "npm"),
    "nix": ("nix-build", "nix-store"),
    "npm": ("npm", "node"),
    "valgrind": ("valgrind",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a tool that is missing; under NPM2NIXLITE_REQUIRE_TOOLS, let it fail."""
    if os.environ.get("NPM2NIXLITE_REQUIRE_TOOLS"):
        return
    for name, commands in _TOOLS.items():
        missing = [command for command in commands if shutil.which(command) is None]
        if not missing:
            continue
        for item in items:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"there is no {missing[0]}"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on loopback, empty at first."""
    with serve_registry() as served:
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory of the test's own, with nothing in it."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    """Nix on a store of the test's own."""
    return Nix(tmp_path / "nix")


@pytest.fixture(scope="session")
def public_registry() -> str:
    """The base of the registry that npm is configured for; skips where it cannot be reached."""
    base = subprocess.run(
        ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        with urllib.request.urlopen(f"{base}-/ping", timeout=20) as answer:
            answer.read()
    except urllib.error.HTTPError:
        pass  # it answers, if not to that
    except OSError as error:
        pytest.skip(f"npm's registry cannot be reached: {error}")
    return base
