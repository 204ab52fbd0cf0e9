"""Processes that outlive their build: of a runner that was killed itself, say."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from npm2nixlite.errors import BuildError

__all__ = ["end_processes"]

_PATIENCE = 10.0  # seconds for killed processes to be gone
_PAUSE = 0.02  # seconds


def end_processes(root: Path) -> None:
    """Kill every process whose file system is this directory, and wait until they are gone.

    Args:
        root: A container's; where it is not there, no process has it.

    Raises:
        BuildError: One cannot be killed.
    """
    end = time.monotonic() + _PATIENCE
    while left := [pid for pid in _processes() if _lives_in(pid, root)]:
        if time.monotonic() > end:
            raise BuildError(
                f"processes of an earlier build do not end: {', '.join(map(str, left))}",
                where=str(root),
                hint="see what they wait for, and end them",
            )
        for pid in left:
            _kill(pid, root)
        time.sleep(_PAUSE)


def _kill(pid: int, root: Path) -> None:
    with suppress(OSError):
        handle = os.pidfd_open(pid)  # looked at again below: the number may be another's by now
        try:
            if _lives_in(pid, root):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _lives_in(pid: int, root: Path) -> bool:
    """Whether ``/`` is that directory for a process."""
    try:
        return Path(f"/proc/{pid}/root").samefile(root)
    except OSError:
        return False  # gone, or somebody else's
