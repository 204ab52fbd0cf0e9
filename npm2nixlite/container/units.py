"""The units that run from the current result."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Units"]


@dataclass(frozen=True)
class Units:
    """Units to restart after a switch.

    Attributes:
        names: With or without ``.service``.
        systemctl: The program that restarts them and tells whether they run.
        settle: Seconds to give them before they count as running: a unit that falls over at once
            was active for a moment.
    """

    names: Sequence[str] = ()
    systemctl: str = "systemctl"
    settle: float = 3.0

    def check(self) -> None:
        """See that units can be restarted here, before anything is built for them.

        Raises:
            UsageError: They cannot.
        """
        if not self.names:
            return
        if shutil.which(self.systemctl) is None:
            raise UsageError(
                f"there is no {self.systemctl} to restart {', '.join(self.names)} with",
                hint="leave out --unit, or name a program with --systemctl",
            )
        if self.systemctl == "systemctl" and not Path("/run/systemd/system").is_dir():
            raise UsageError(
                f"systemd does not run this machine, and so cannot restart {', '.join(self.names)}",
                hint="leave out --unit, or name another program with --systemctl",
            )

    def restart(self) -> None:
        """Restart them all, and see that they run.

        Raises:
            BuildError: One does not, or there is no systemctl.
        """
        if not self.names:
            return
        _, complaint = self._run("restart", *self.names)
        time.sleep(self.settle)
        down = {name: text for name in self.names for text in self._state(name)}
        if down:
            states = ", ".join(f"{name} ({state})" for name, state in down.items())
            raise BuildError(
                f"after the switch not every unit runs: {states}",
                where=complaint.strip().partition("\n")[0],
                hint="see 'journalctl -u UNIT'; --rollback returns to the previous result while "
                "it is still there",
                details=[{"unit": name, "state": state} for name, state in down.items()],
            )

    def _state(self, name: str) -> list[str]:
        status, text = self._run("is-active", name)
        return [text.strip() or f"status {status}"] if status else []

    def _run(self, *arguments: str) -> tuple[int, str]:
        try:
            done = subprocess.run(
                [self.systemctl, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        except OSError as error:
            raise BuildError(
                f"{self.systemctl} cannot be run: {error.strerror or error}",
                hint="name another one with --systemctl",
            ) from error
        return done.returncode, done.stdout
