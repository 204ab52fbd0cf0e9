"""What isolates a build: systemd-nspawn, or bubblewrap where that is not to be had.

Both give it: the file system of `rootfs`, read-only; the tools, read-only; a writable directory or
two; the network; processes, users and hostname of its own; no capability, and no way to one.
Outside, its user is one that owns nothing else (as root), or who started it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from npm2nixlite.container.confine import confined_command
from npm2nixlite.container.limits import systemd_runs
from npm2nixlite.container.rootfs import BUILD, START, UID, USER
from npm2nixlite.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from npm2nixlite.container.limits import Limits

__all__ = ["RUNNERS", "Bwrap", "Nspawn", "Room", "Runner", "find_runner"]

_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""A run that is killed takes its container along; `end_processes` ends what still outlives it."""


_OPENING = 'exec "$@" 9<"$0"'
_RUN = 16 << 20  # bytes for /run: sockets and process numbers
_NOT_IN_NSPAWN = (
    "keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register userfaultfd"
    " unshare setns"
)
"""What `seccomp` refuses and systemd-nspawn's own filter may not."""


@dataclass(frozen=True)
class Room:
    """A container to be.

    Attributes:
        name: Its name, and hostname.
        root: Its file system.
        mounts: Seen read-only where they are on the host.
        writable: On the host → inside.
        seccomp: A file with the filter of `seccomp.seccomp_filter`; None for none.
        uid: Its user outside, inside a range of 65,536 that starts `rootfs.UID` below;
            None where this process is not root, and the container's user is this one's.
        limits: What it may use.
    """

    name: str
    root: Path
    mounts: Sequence[Path]
    writable: Mapping[Path, Path]
    seccomp: Path | None
    uid: int | None
    limits: Limits


class Runner(Protocol):
    """Something that runs `rootfs.SCRIPT` in a container."""

    @property
    def name(self) -> str:
        """As ``--runner`` has it."""

    def check(self) -> None:
        """See that it can be had.

        Raises:
            UsageError: It cannot.
        """

    def command(self, room: Room) -> list[str]:
        """The command that runs the build, and dies with this process."""


class Nspawn:
    """systemd-nspawn: as root only, with or without systemd running the machine."""

    name = "nspawn"

    def check(self) -> None:
        """See `Runner`."""
        _require("systemd-nspawn", self.name, "install systemd-container, or give --runner bwrap")
        if os.geteuid() != 0:
            raise UsageError("systemd-nspawn needs root", hint="give --runner bwrap")

    def command(self, room: Room) -> list[str]:
        """See `Runner`."""
        if room.uid is None:
            raise UsageError("systemd-nspawn needs root", hint="give --runner bwrap")
        limited = _outer_limits(room)
        # Unregistered and in the caller's own unit: systemd need not run the machine, and what
        # stops the caller's unit stops the container.
        return [
            *limited,
            *confined_command(),
            *_DIES_WITH_US,
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--settings=no"),
            f"--machine={room.name}",
            f"--directory={room.root}",
            "--read-only",
            *(f"--private-users={room.uid - UID}:65536", "--private-users-ownership=off"),
            # --user in full until systemd 257, --uid since then
            *("-u", USER, "--drop-capability=all", "--no-new-privileges=yes"),
            *("--as-pid2", "--console=pipe", "--resolv-conf=off", "--timezone=off"),
            "--link-journal=no",
            *(f"--rlimit={key.upper()}={n}" for key, n in room.limits.resources().items()),
            f"--tmpfs=/tmp:mode=1777,size={room.limits.temporary}",
            f"--system-call-filter=~{_NOT_IN_NSPAWN}",
            *(f"--bind-ro={_escaped(mount)}" for mount in room.mounts),
            *(f"--bind={_escaped(host)}:{_escaped(to)}" for host, to in room.writable.items()),
            f"--chdir={BUILD}",
            *("--", *START),
        ]


class Bwrap:
    """bubblewrap: as any user; as root, it is given up for another user first."""

    name = "bwrap"

    def check(self) -> None:
        """See `Runner`."""
        _require("bwrap", self.name, "install bubblewrap, or give --runner nspawn")

    def command(self, room: Room) -> list[str]:
        """See `Runner`."""
        user = [] if room.uid is None else [f"--reuid={room.uid}", f"--regid={room.uid}"]
        return [
            *_outer_limits(room),
            *("prlimit", *(f"--{key}={n}" for key, n in room.limits.resources().items())),
            *confined_command(),
            *_DIES_WITH_US,
            *(["setpriv", *user, "--clear-groups"] if user else []),
            # The filter is opened here, by a shell: a number is all that bubblewrap takes.
            *(["sh", "-c", _OPENING, str(room.seccomp)] if room.seccomp else []),
            *("bwrap", *(["--seccomp", "9"] if room.seccomp else [])),
            *("--unshare-user", "--unshare-all", "--share-net"),
            *("--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
            *("--uid", str(UID), "--gid", str(UID), "--hostname", room.name),
            *("--ro-bind", str(room.root), "/"),
            *("--proc", "/proc", "--dev", "/dev"),
            *_in_memory("/tmp", room.limits.temporary),  # noqa: S108 (its own)
            *_in_memory("/dev/shm", room.limits.temporary - _RUN),  # noqa: S108 (its own)
            *_in_memory("/run", _RUN),
            *("--remount-ro", "/dev"),
            *(part for mount in room.mounts for part in ("--ro-bind", str(mount), str(mount))),
            *(
                part
                for host, inside in room.writable.items()
                for part in ("--bind", str(host), str(inside))
            ),
            *("--chdir", str(BUILD)),
            *("--", *START),
        ]


RUNNERS: Mapping[str, Runner] = {"nspawn": Nspawn(), "bwrap": Bwrap()}


def find_runner(name: str | None) -> Runner:
    """The runner of that name, or the first that this user can have.

    Raises:
        UsageError: It, or any, cannot be had.
    """
    if name is not None:
        RUNNERS[name].check()
        return RUNNERS[name]
    for runner in RUNNERS.values():
        try:
            runner.check()
        except UsageError:
            continue
        return runner
    raise UsageError(
        "there is neither systemd-nspawn (for root) nor bwrap",
        hint="install systemd-container or bubblewrap",
    )


def _outer_limits(room: Room) -> list[str]:
    scope = room.limits.scope(room.name) if systemd_runs() else []
    return [*scope, *room.limits.affinity()]


def _in_memory(place: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", place]


def _require(program: str, name: str, hint: str) -> None:
    for needed in (program, "setpriv"):
        if shutil.which(needed) is None:
            raise UsageError(f"the runner {name} needs {needed}, which is not on PATH", hint=hint)


def _escaped(path: Path) -> str:
    """A path for systemd-nspawn's options, where a colon separates."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:")
