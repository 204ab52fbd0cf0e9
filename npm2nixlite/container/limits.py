"""What a build may use, and who sees to it.

Everywhere the kernel's own means: RLIMIT_DATA and RLIMIT_FSIZE hold for each process by itself,
RLIMIT_NPROC for all of the container's user; directories in memory have a size of their own, and
the number of CPUs becomes an affinity. `process.run_logged` sees to the disk and the log. Where
systemd runs the machine, the container gets a scope of its own, too, with cgroup properties for all
of it together; alone they would not do, for a systemd that was not given the memory controller
takes the property and ignores it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Limits", "systemd_runs"]


@dataclass(frozen=True)
class Limits:
    """What a build may use.

    Attributes:
        memory: In bytes, files in memory (``/tmp``, ``/dev/shm``) included.
        cpus: How many; None for all.
        seconds: From start to end.
        processes: How many at once, threads included.
        disk: Bytes that the build and its home may take, and the largest file.
        log: Bytes of output that are kept.
    """

    memory: int = 8 << 30
    cpus: int | None = None
    seconds: float = 7200.0
    processes: int = 4096
    disk: int = 32 << 30
    log: int = 64 << 20

    def scope(self, unit: str) -> list[str]:
        """The command that runs another one in a systemd scope with these limits."""
        properties = [f"MemoryMax={self.memory}", "MemorySwapMax=0", f"TasksMax={self.processes}"]
        if self.cpus is not None:
            properties.append(f"CPUQuota={100 * self.cpus}%")
        return [
            # What holds for the caller's slice, such as whom it may talk to, holds for the scope.
            *("systemd-run", "--scope", "--slice-inherit", "--quiet", "--collect"),
            f"--unit={unit}-{os.getpid()}",  # a scope may outlive its processes for a while
            *(f"--property={item}" for item in properties),
            "--",
        ]

    @property
    def temporary(self) -> int:
        """Bytes for ``/tmp``, and as much again for the other directories in memory."""
        return self.memory // 2

    def resources(self) -> dict[str, int]:
        """Resource → limit, as ``prlimit`` and systemd-nspawn name them, in lower case."""
        return {"data": self.memory, "nproc": self.processes, "fsize": self.disk}

    def affinity(self) -> list[str]:
        """The command that runs another one on so many CPUs only; empty for all."""
        usable = sorted(os.sched_getaffinity(0))
        if self.cpus is None or self.cpus >= len(usable):
            return []
        return ["taskset", "--cpu-list", ",".join(map(str, usable[: self.cpus]))]


def systemd_runs() -> bool:
    """Whether systemd runs this machine, and scopes can be made: as root."""
    return Path("/run/systemd/system").is_dir() and os.geteuid() == 0
