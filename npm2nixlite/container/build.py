"""The state machine of a container build, from the lock to the new result's units.

It may be killed anywhere: nothing counts before it is whole, the next run removes what is left of
a build, and ends a switch that was begun.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.container.job import LEFT_OUT, container_name
from npm2nixlite.container.process import end_processes, run_logged
from npm2nixlite.container.results import Built
from npm2nixlite.container.rootfs import (
    BUILD,
    HOME,
    UID,
    VARIABLES,
    environment,
    make_root,
)
from npm2nixlite.container.runners import Room
from npm2nixlite.container.seccomp import seccomp_filter
from npm2nixlite.container.status import now
from npm2nixlite.container.switch import Step, no_room
from npm2nixlite.container.tree import (
    copy_tree,
    give_to,
    remove_private,
    remove_tree,
    tree_hash,
)
from npm2nixlite.errors import BuildError, InputError, Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from npm2nixlite.container.job import BuildJob
    from npm2nixlite.container.limits import Limits
    from npm2nixlite.container.paths import ContainerPaths
    from npm2nixlite.container.rootfs import Network
    from npm2nixlite.container.runners import Runner
    from npm2nixlite.container.switch import Switcher

__all__ = ["BuildOutcome", "Builder"]

# The range that systemd-nspawn takes users from, in blocks of 65,536.
_FIRST_UID = 524288
_BLOCK = 65536
_NSPAWN = re.compile(
    r"Container \S+ (failed with error code|terminated by signal|exited)"
    r"|Attempted to remove disk file system under "
)
"""What systemd-nspawn says at its end, which is not the build's."""

_BLOCKS = (1878982656 - _FIRST_UID) // _BLOCK


@dataclass(frozen=True)
class BuildOutcome:
    """What a run came to.

    Attributes:
        action: ``built``; ``switched`` where the result was there already; ``nothing`` where it
            runs already; ``left`` where it was rolled back from.
        hash: Of the source, the script and the tools.
        container: The container's name.
        result: The files that are current now.
        seconds: How long it all took.
    """

    action: str
    hash: str
    container: str
    result: Path
    seconds: float


@dataclass(frozen=True)
class Builder:
    """Builds one job, and switches to it.

    Attributes:
        job: What is built.
        runner: In what.
        limits: With what.
        network: What it needs to reach others.
        switcher: Makes it current.
        retry: Whether a result that was rolled back from is built and switched to again.
    """

    job: BuildJob
    runner: Runner
    limits: Limits
    network: Network
    switcher: Switcher
    retry: bool = False

    @property
    def places(self) -> ContainerPaths:
        """Where things are."""
        return self.switcher.places

    def run(self, *, wait: bool, tell: Callable[[str], None]) -> BuildOutcome:
        """Build and switch, unless that is done.

        Args:
            wait: Whether to wait for another run of this name.
            tell: Told of one.

        Raises:
            InputError: The source cannot be read.
            BuildError: Another run is at it; the build fails; the disk is full; units do not
                come up. Save for the last, all is as it was.
        """
        self.switcher.units.check()
        try:
            self.places.make()
            self.places.check()
            with self.places.lock(wait=wait, tell=tell):
                return self._run_alone()
        except OSError as error:
            raise no_room(error) from error

    def _run_alone(self) -> BuildOutcome:
        began = time.monotonic()
        switcher = self.switcher
        switcher.watch(Step.CLEAN)
        self._clean()
        pending = switcher.status().pending
        if pending is not None and pending.rollback and switcher.results.whole(pending.to):
            switcher.switch(pending.to)
        source_hash = self.job.source_hash()
        wanted = self.job.hash(source_hash)
        if switcher.settled(wanted):
            switcher.remove_old()
            action = "nothing"
        elif switcher.status().rolled_back == wanted and not self.retry:
            action = "left"
        elif switcher.results.whole(wanted):
            switcher.switch(wanted)
            action = "switched"
        else:
            self._build(wanted, source_hash)
            switcher.switch(wanted)
            action = "built"
        return BuildOutcome(
            action=action,
            hash=wanted,
            container=container_name(self.job.name, wanted),
            result=self.places.current,
            seconds=time.monotonic() - began,
        )

    def _clean(self) -> None:
        kept = {"lock", self.places.log.name}
        for path in self.places.work.iterdir():
            if path.name not in kept:
                _leave_no_trace(path)
                remove_tree(path)

    def _build(self, wanted: str, source_hash: str) -> None:
        work = self.places.work / container_name(self.job.name, wanted)
        step = Step.PREPARE

        def enter(next_step: Step) -> None:
            nonlocal step
            step = next_step
            self.switcher.watch(step)

        try:
            self._build_in(work, wanted, source_hash, enter)
        except OSError as error:
            failure = no_room(error)
            self.switcher.note_failure(wanted, step, failure)
            raise failure from error
        except Npm2nixliteError as error:
            self.switcher.note_failure(wanted, step, error)
            raise
        finally:
            with suppress(OSError):  # the next run removes it, too
                remove_tree(work)

    def _build_in(
        self, work: Path, wanted: str, source_hash: str, enter: Callable[[Step], None]
    ) -> None:
        began = time.monotonic()
        enter(Step.PREPARE)
        room = self._prepare(work, source_hash)
        enter(Step.BUILD)
        ended = run_logged(
            self.runner.command(room),
            self.places.log,
            self.limits,
            list(room.writable),
            lambda: _leave_no_trace(work),
        )
        if ended.stopped or ended.status:
            raise BuildError(
                ended.stopped or f"the build script ended with status {ended.status}",
                where=str(self.places.log),
                hint="its last lines:\n" + _indented(ended.tail),
            )
        enter(Step.STAGE)
        built = Built(
            when=now(),
            seconds=round(time.monotonic() - began, 3),
            source=str(self.job.source.absolute()),
            source_hash=source_hash,
            container=room.name,
            runner=self.runner.name,
            tools={name: str(path) for name, path in sorted(self.job.tools.programs.items())},
        )
        staged = work / "result"
        output = _output(work / "build", self.job.output)
        remove_private(self.job.source, output, work / "build", LEFT_OUT)
        self.switcher.results.stage(output, staged, built)
        enter(Step.SYNC)
        self.switcher.results.sync(staged)
        enter(Step.KEEP)
        self.switcher.results.keep(staged, wanted)

    def _prepare(self, work: Path, source_hash: str) -> Room:
        build, home, root = work / "build", work / "home", work / "root"
        for directory in (build, home, root):
            directory.mkdir(mode=0o755, parents=True)
        copy_tree(self.job.source, build, LEFT_OUT)
        if tree_hash(build) != source_hash:
            raise InputError(
                "changed while it was copied",
                where=str(self.job.source),
                hint="run it again once nobody writes there",
            )
        variables = environment(self.network, self.job.environment)
        make_root(root, home, self.job.tools, self.job.script, self.network, variables)
        seccomp = _seccomp_file(work)
        uid = _uid(work.name) if os.geteuid() == 0 else None
        if uid is not None:
            give_to(build, uid)
            give_to(home, uid)
            os.chown(root / VARIABLES.relative_to("/"), uid, uid)
        return Room(
            name=work.name,
            root=root,
            mounts=self.job.tools.mounts,
            writable={build: BUILD, home: HOME},
            seccomp=seccomp,
            uid=uid,
            limits=self.limits,
        )


def _seccomp_file(work: Path) -> Path | None:
    program = seccomp_filter()
    if program is None:
        return None
    file = work / "seccomp"
    file.write_bytes(program)
    return file


def _leave_no_trace(work: Path) -> None:
    end_processes(work / "root")
    # systemd-nspawn leaves this empty directory where /run is on a disk, or where it is killed.
    with suppress(OSError):
        Path("/run/systemd/nspawn/propagate", work.name).rmdir()


def _uid(container: str) -> int:
    """A user for a container, the same for both runners; by its name, so that two differ."""
    block = int.from_bytes(container.encode()[-8:]) % _BLOCKS
    return _FIRST_UID + block * _BLOCK + UID


def _output(build: Path, output: str) -> Path:
    place = (build / output).resolve()
    if not place.is_relative_to(build.resolve()) or not place.is_dir():
        raise BuildError(
            f"the build made no directory {output}",
            hint="see what the script makes, and name it with --output",
        )
    return place


def _indented(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not _NSPAWN.match(line)][-20:]
    return "\n".join(f"    {line}" for line in lines)
