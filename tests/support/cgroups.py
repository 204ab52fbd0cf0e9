"""Control groups of a booted machine's own, where this machine has the old hierarchies."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from npm2nixlite.nix.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONTROLLERS", "nspawn_takes_these_cgroups", "own_cgroups"]

CONTROLLERS = ("memory", "cpu")
_MOUNT = Path("/sys/fs/cgroup")


def nspawn_takes_these_cgroups() -> bool:
    """Whether systemd-nspawn starts here: systemd 258 and newer refuse the old hierarchies."""
    if (_MOUNT / "cgroup.controllers").exists():
        return True
    found = tool_version("systemd-nspawn")
    return found is None or found < Version("258")


@contextmanager
def own_cgroups(name: str) -> Iterator[list[Path]]:
    """Make groups with which a machine may do as it likes; remove them with all below.

    Yields:
        Their directories, for a process to enter; none where the one new hierarchy is mounted,
        for systemd-nspawn sees to that by itself.
    """
    groups = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controller, path = line.split(":", 2)
        above = _MOUNT / controller / path.lstrip("/")
        if controller in CONTROLLERS and above.is_dir():
            groups.append(above / name)
    for group in groups:
        group.mkdir()
    try:
        yield groups
    finally:
        for group in groups:
            for directory, _, _ in os.walk(group, topdown=False):
                with suppress(OSError):  # somebody's last process is not gone yet: it is empty
                    Path(directory).rmdir()
