"""Run a container: its output to a log, its time limited."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["Ended", "run_logged"]

_CHUNK = 1 << 16
_GRACE = 10.0  # seconds to end in
_TAIL = 2048  # bytes of output that are worth showing with an error


@dataclass(frozen=True)
class Ended:
    """How a container ended.

    Attributes:
        status: Its exit status; negative for a signal.
        timed_out: Whether it was killed for its time limit.
        tail: The last lines of its output.
    """

    status: int
    timed_out: bool
    tail: str


def run_logged(command: Sequence[str], log: Path, seconds: float) -> Ended:
    """Run a command to its end; it is killed where this function is left otherwise.

    Args:
        command: Its output and errors go to the log.
        log: Replaced. A disk that gets full does not keep the output from being read.
        seconds: After which it is killed.

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
            raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.terminate()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            tail = _pump(process, file)
            status = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _end(process)
            if process.stdout is not None:
                process.stdout.close()
    return Ended(status, expired.is_set(), tail)


def _end(process: subprocess.Popen[bytes]) -> None:
    # systemd-nspawn ends its container when asked to, but leaves it behind when killed.
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pump(process: subprocess.Popen[bytes], log: BinaryIO) -> str:
    tail = b""
    writable = True
    while process.stdout is not None and (chunk := process.stdout.read1(_CHUNK)):  # type: ignore[attr-defined]
        tail = (tail + chunk)[-_TAIL:]
        if writable:
            try:
                log.write(chunk)
            except OSError:
                writable = False
    return tail.decode("utf-8", "replace")
