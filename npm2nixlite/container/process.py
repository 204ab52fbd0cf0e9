"""Run a container: its output to a log, its time limited; end the processes it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError
from npm2nixlite.messages import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from npm2nixlite.container.limits import Limits

__all__ = ["Ended", "disk_usage", "end_processes", "run_logged"]

_CHUNK = 1 << 16
_GRACE = 10.0  # seconds to end in
_PATIENCE = 10.0  # seconds for killed processes to be gone
_PAUSE = 0.02  # seconds
_DISK_PAUSE = 2.0  # seconds between looks at what is written
_TAIL = 4096  # bytes of output that are worth showing with an error


@dataclass(frozen=True)
class Ended:
    """How a container ended.

    Attributes:
        status: Its exit status; negative for a signal.
        stopped: Which limit it was killed for; empty for none.
        tail: The last lines of its output.
    """

    status: int
    stopped: str
    tail: str


def run_logged(
    command: Sequence[str],
    log: Path,
    limits: Limits,
    writable: Sequence[Path],
    end_rest: Callable[[], None],
) -> Ended:
    """Run a container to its end; it is ended where this function is left otherwise.

    Args:
        command: Its output and errors go to the log.
        log: Replaced. A disk that gets full does not keep the output from being read.
        limits: Of its time, of what it may write to disk, and of the log.
        writable: The directories that count for the disk.
        end_rest: Ends what the command may leave behind; called once it has ended.

    Raises:
        BuildError: It cannot be started.
        OSError: The log cannot be opened.
    """
    with log.open("wb", buffering=0) as file:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise BuildError(f"{command[0]} cannot be run: {error.strerror or error}") from error
        reader = _Reader(process, file, limits.log)
        reader.start()
        try:
            stopped = _wait(process, limits, writable)
        finally:
            _end(process)
            end_rest()
            reader.join()
    return Ended(process.returncode, stopped, reader.tail.decode("utf-8", "replace"))


def _wait(process: subprocess.Popen[bytes], limits: Limits, writable: Sequence[Path]) -> str:
    """Wait until it ends, or goes beyond a limit; returns which one."""
    end = time.monotonic() + limits.seconds
    pause = _DISK_PAUSE
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return f"the build took longer than {limits.seconds:g} s"
        try:
            process.wait(min(pause, left))
        except subprocess.TimeoutExpired:
            start = time.monotonic()
            if sum(map(disk_usage, writable)) > limits.disk:
                return f"the build wrote more than {human_bytes(limits.disk)} to disk"
            # Looking costs: a large tree is looked at less often.
            pause = max(_DISK_PAUSE, 20 * (time.monotonic() - start))
        else:
            return ""


def disk_usage(directory: Path) -> int:
    """Bytes that a directory takes on its disk; what vanishes meanwhile counts as nothing."""
    total = 0
    pending = [os.fspath(directory)]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    # systemd-nspawn ends its container when asked to, but leaves it behind when killed.
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Reader(threading.Thread):
    """Reads a container's output until nobody has it open any more."""

    def __init__(self, process: subprocess.Popen[bytes], log: BinaryIO, most: int) -> None:
        super().__init__(daemon=True)
        self.tail = b""
        self._left = most
        self._skipped = 0
        self._output = process.stdout
        self._log = log

    def run(self) -> None:
        if self._output is None:
            return
        with self._output:
            while chunk := os.read(self._output.fileno(), _CHUNK):
                self.tail = (self.tail + chunk)[-_TAIL:]
                self._write(chunk[: self._left])
                self._skipped += len(chunk[self._left :])
                self._left = max(0, self._left - len(chunk))
        if self._skipped:
            skipped = human_bytes(self._skipped)
            self._write(f"\n[{skipped} more are left out here; this is the end]\n".encode())
            self._write(self.tail)

    def _write(self, text: bytes) -> None:
        with suppress(OSError):  # a full disk: the build goes on, and so does what is read of it
            self._log.write(text)


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
