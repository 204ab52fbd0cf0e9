"""The errors a caller can tell apart, each with the exit status it leads to.

They are raised deep and shown once, by the command line, as: what is wrong, where, what to do.
Standard library only: the modules that run inside the Nix sandbox raise them too.
"""

from __future__ import annotations

from typing import Self

__all__ = ["BuildError", "FetchError", "InputError", "Npm2nixliteError", "UsageError"]


class Npm2nixliteError(Exception):
    """What is wrong, where it is (file, install path, address) and what to do about it.

    Args:
        what: One sentence without a full stop.
        where: File, install path or address, the outermost first; empty parts are left out.
        hint: What the reader can do; empty where there is nothing to say.
    """

    exit_status = 1

    def __init__(self, what: str, *, where: str | tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = tuple(filter(None, (where,) if isinstance(where, str) else where))
        self.hint = hint

    def within(self, outer: str) -> Self:
        """The same error, found inside ``outer`` (the lock an entry is in, say)."""
        return type(self)(self.what, where=(outer, *self.where), hint=self.hint)

    def __str__(self) -> str:
        place = ": ".join(self.where)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


class UsageError(Npm2nixliteError):
    """The command line asks for something that makes no sense."""

    exit_status = 2


class InputError(Npm2nixliteError):
    """A lock, manifest or configuration file cannot be used."""

    exit_status = 2


class FetchError(Npm2nixliteError):
    """A package could not be fetched, or is not what the lock says it is."""

    exit_status = 3


class BuildError(Npm2nixliteError):
    """A build or an upload failed."""

    exit_status = 4
