"""The standard streams, made safe: closed, full or left by their reader, they stop nothing."""

from __future__ import annotations

import errno
import io
import os
import sys

__all__ = ["flush", "guard"]

_WORDS = {1: "standard output", 2: "standard error"}


def guard() -> None:
    """Have all three streams open, and writing to them raise nothing.

    Where one is closed, the next file that is opened would get its number, and what is printed.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if descriptor == 0 else os.O_WRONLY)
    sys.stdout = _guarded(sys.stdout)
    sys.stderr = _guarded(sys.stderr)


def flush() -> str | None:
    """Write out what is held back; returns why standard output could not be written, if so.

    A reader that has had enough is no fault.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    fault = getattr(sys.stdout, "fault", None)
    if fault is None or fault.errno == errno.EPIPE:
        return None
    return f"{_WORDS[1]} cannot be written: {fault.strerror}"


class _Guarded(io.TextIOWrapper):
    """A stream that goes nowhere once it cannot be written to.

    Attributes:
        fault: Why it cannot.
    """

    fault: OSError | None = None

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)
            super().flush()

    def _give_up(self, error: OSError) -> None:
        self.fault = self.fault or error
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, self.fileno())
        os.close(descriptor)


def _guarded(stream: object) -> io.TextIOWrapper:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (kept until the end)
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _Guarded):
        return stream  # type: ignore[return-value]  # a test's
    try:
        stream.fileno()
    except OSError:
        return stream
    return _Guarded(
        stream.buffer,
        encoding=stream.encoding,
        errors="replace",  # a terminal without Unicode is no error
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
