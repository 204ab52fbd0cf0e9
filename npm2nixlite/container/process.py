"""Run a container: its output to a log, its time limited."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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


def run_logged(
    command: Sequence[str], log: Path, seconds: float, end_rest: Callable[[], None]
) -> Ended:
    """Run a container to its end; it is ended where this function is left otherwise.

    Args:
        command: Its output and errors go to the log.
        log: Replaced. A disk that gets full does not keep the output from being read.
        seconds: After which it is ended.
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
            raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
        reader = _Reader(process, file)
        reader.start()
        timed_out = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _end(process)
            end_rest()
            reader.join()
    return Ended(process.returncode, timed_out, reader.tail.decode("utf-8", "replace"))


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

    def __init__(self, process: subprocess.Popen[bytes], log: BinaryIO) -> None:
        super().__init__(daemon=True)
        self.tail = b""
        self._output = process.stdout
        self._log = log

    def run(self) -> None:
        if self._output is None:
            return
        writable = True
        with self._output:
            while chunk := os.read(self._output.fileno(), _CHUNK):
                self.tail = (self.tail + chunk)[-_TAIL:]
                if writable:
                    try:
                        self._log.write(chunk)
                    except OSError:
                        writable = False
