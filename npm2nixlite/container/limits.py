"""What a build may use, and who sees to it.

Everywhere the kernel's per-process means: RLIMIT_DATA holds for each process by itself, and the
number of CPUs becomes an affinity. Where systemd runs the machine, the container gets a scope of
its own, too, with cgroup properties for all of it together; alone they would not do, for a systemd
that was not given the memory controller takes the property and ignores it.
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
        memory: In bytes.
        cpus: How many; None for all.
        seconds: From start to end.
    """

    memory: int = 8 << 30
    cpus: int | None = None
    seconds: float = 7200.0

    def scope(self, unit: str) -> list[str]:
        """The command that runs another one in a systemd scope with these limits."""
        properties = [f"MemoryMax={self.memory}", "MemorySwapMax=0", "TasksMax=4096"]
        if self.cpus is not None:
            properties.append(f"CPUQuota={100 * self.cpus}%")
        return [
            # What holds for the caller's slice, such as whom it may talk to, holds for the scope.
            *("systemd-run", "--scope", "--slice-inherit", "--quiet", "--collect"),
            f"--unit={unit}-{os.getpid()}",  # a scope may outlive its processes for a while
            *(f"--property={item}" for item in properties),
            "--",
        ]

    def affinity(self) -> list[str]:
        """The command that runs another one on so many CPUs only; empty for all."""
        usable = sorted(os.sched_getaffinity(0))
        if self.cpus is None or self.cpus >= len(usable):
            return []
        return ["taskset", "--cpu-list", ",".join(map(str, usable[: self.cpus]))]


def systemd_runs() -> bool:
    """Whether systemd runs this machine, and scopes can be made: as root."""
    return Path("/run/systemd/system").is_dir() and os.geteuid() == 0
