"""From one result to another: the hash, the symlink, the units; then what was before goes.

A switch is written down before it begins and struck out when the units run, so that whoever comes
after a crash knows what was meant, and does it again: every step may be done twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from npm2nixlite.container.paths import write_whole
from npm2nixlite.container.results import Results
from npm2nixlite.container.status import (
    LastFailure,
    Pending,
    Status,
    now,
    read_status,
    write_status,
)
from npm2nixlite.errors import BuildError, Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from npm2nixlite.container.paths import ContainerPaths
    from npm2nixlite.container.units import Units

__all__ = ["Step", "Switcher", "no_room", "rollback"]


class Step(Enum):
    """The steps of a run, in their order; each is announced before it is done."""

    CLEAN = "removing what interrupted builds left"
    PREPARE = "copying the source"
    BUILD = "building"
    STAGE = "looking at the result"
    SYNC = "waiting for the disk"
    KEEP = "moving the result beside the old one"
    NOTE = "noting the switch"
    HASH = "writing the hash"
    LINK = "switching the symlink"
    RESTART = "restarting units"
    RECORD = "noting what runs"
    REMOVE = "removing old results"


@dataclass(frozen=True)
class Switcher:
    """Switches the results of one name.

    Attributes:
        places: Where things are.
        units: What to restart.
        keep_previous: Whether the result that ran before stays, for a rollback.
        watch: Told each step before it is done.
    """

    places: ContainerPaths
    units: Units
    keep_previous: bool
    watch: Callable[[Step], None]

    @property
    def results(self) -> Results:
        """The results switched between."""
        return Results(self.places)

    def status(self) -> Status:
        """What is written down now."""
        return read_status(self.places.status)

    def settled(self, result: str) -> bool:
        """Whether this result is current and whole, and its units were seen to run."""
        status = self.status()
        return (
            self.places.current_hash() == result
            and self.results.linked() == result
            and status.running == result
            and status.pending is None
            and self.results.whole(result)
        )

    def switch(self, to: str, *, rollback: bool = False) -> None:
        """Make a result the current one.

        Args:
            to: Its hash; it must be whole.
            rollback: Whether what is left is not to come back by itself.

        Raises:
            BuildError: Units do not come up: the switch is done, and what ran before is kept. Or
                the disk is full: then nothing is switched, or the next run ends it.
        """
        status = self.status()
        current = self.places.current_hash()
        begun = status.pending
        if begun is not None and begun.to == to:
            pending = replace(begun, rollback=begun.rollback or rollback)
        else:
            pending = Pending(to, current, rollback)
        step = Step.NOTE
        try:
            for step in (Step.NOTE, Step.HASH, Step.LINK, Step.RESTART, Step.RECORD):
                self.watch(step)
                self._take(step, to, status, pending)
            self.remove_old()
        except OSError as error:
            failure = no_room(error)
            self.note_failure(to, step, failure)
            raise failure from error
        except BuildError as error:
            self.note_failure(to, step, error)
            raise

    def remove_old(self) -> None:
        """Remove what neither runs nor is kept for a rollback."""
        self.watch(Step.REMOVE)
        status = self.status()
        kept = {self.places.current_hash(), status.running}
        if self.keep_previous:
            kept.add(status.previous)
        self.results.remove_others(kept)

    def note_failure(self, result: str, step: Step, error: Npm2nixliteError) -> None:
        """Remember what went wrong; where there is no room for that, the caller's error tells."""
        failure = LastFailure(now(), result, step.value, error.what)
        with suppress(OSError):
            write_status(self.places.status, replace(self.status(), failure=failure))

    def _take(self, step: Step, to: str, status: Status, pending: Pending) -> None:
        if step is Step.NOTE:
            write_status(self.places.status, replace(status, pending=pending))
        elif step is Step.HASH:
            write_whole(self.places.hash_file, f"{to}\n")
        elif step is Step.LINK:
            self.results.link(to)
        elif step is Step.RESTART:
            self.units.restart()
        elif step is Step.RECORD:
            ran = status.running if status.running != to else status.previous
            done = Status(
                running=to,
                since=now(),
                previous=None if pending.rollback else ran,
                rolled_back=pending.leaving if pending.rollback else None,
            )
            write_status(self.places.status, done)


def rollback(switcher: Switcher) -> str:
    """Return to the previous result; the caller holds the lock.

    Returns:
        Its hash.

    Raises:
        BuildError: There is none any more, or its units do not come up.
    """
    status = switcher.status()
    current = switcher.places.current_hash()
    if status.pending is not None and status.pending.rollback:
        target: str | None = status.pending.to
    elif status.running is not None and status.running != current:
        target = status.running
    else:
        target = status.previous
    if target is None or not switcher.results.whole(target):
        raise BuildError(
            f"there is no previous result of {switcher.places.name} to return to",
            where=str(switcher.places.results),
            hint="it is removed once the new one runs; --keep-previous keeps it",
        )
    switcher.switch(target, rollback=True)
    return target


def no_room(error: OSError) -> BuildError:
    """The error for what cannot be written."""
    return BuildError(
        f"cannot be written: {error.strerror or error}",
        where=str(error.filename2 or error.filename or ""),
        hint="make room or give the rights there; the current result is as it was",
    )
