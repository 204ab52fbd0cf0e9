"""A yard for each test: once with systemd-nspawn, once with bubblewrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.cgroups import nspawn_takes_these_cgroups
from tests.support.container_host import Yard

if TYPE_CHECKING:
    from collections.abc import Iterator

_FAST = Path("/dev/shm")  # in memory: each build waits for its disk, and others keep that busy


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can get to; pytest's own are closed to others."""
    directory = Path(
        tempfile.mkdtemp(prefix="npm2nixlite-yard-", dir=_FAST if _FAST.is_dir() else None)
    )
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(params=["nspawn", "bwrap"])
def runner(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "nspawn" and os.geteuid() != 0:
        pytest.skip("systemd-nspawn needs root")
    if name == "nspawn" and not nspawn_takes_these_cgroups():
        pytest.skip("this systemd-nspawn refuses control groups of version 1")
    return name


@pytest.fixture
def yard(open_directory: Path, runner: str) -> Iterator[Yard]:
    made = Yard.make(open_directory, runner)
    yield made
    made.close()


@pytest.fixture
def small_disk(open_directory: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = open_directory / "disk"
    disk.mkdir()
    options = "size=8m,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
