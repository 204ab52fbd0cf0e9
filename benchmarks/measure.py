"""Run commands in turn and measure each as a whole process tree."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "Contestant",
    "Result",
    "Sample",
    "Traffic",
    "contest",
    "counted_runs",
    "median",
    "part_of",
    "ratio",
    "run",
]

_SAMPLING = 0.01  # seconds between two looks at a process tree's memory, or more: see `_look`
_MESSAGE = 400  # characters of a failure's message


@dataclass(frozen=True)
class Traffic:
    """What a server saw of one run.

    Attributes:
        connections: Opened connections over which anything was asked.
        requests: Their number.
        sent: Bytes sent, headers included, TLS not.
        paths: What was answered with 200.
    """

    connections: int
    requests: int
    sent: int
    paths: frozenset[str]


@dataclass(frozen=True)
class Contestant:
    """A command to measure.

    Attributes:
        command: Its arguments.
        prepare: Called before each run, unmeasured: makes its caches cold.
        does: What it does, in a few words, for its row.
        leaves: What it leaves out that others do.
        environment: Variables beside those of this process.
        directory: Where it runs.
        check: Called after each run, unmeasured; raises RuntimeError where it did not do its work.
    """

    command: Sequence[str]
    prepare: Callable[[], None]
    does: str = ""
    leaves: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    check: Callable[[], None] | None = None


@dataclass(frozen=True)
class Sample:
    """One run.

    Attributes:
        seconds: Wall time from start to end.
        cpu: Seconds of processor time, user and system, its own and its children's.
        peak: Bytes of resident memory of its largest process, as Linux counts it: at least what
            the process had that started it, which is this one.
        output: What it wrote to stdout.
        tree_peak: Bytes of memory of all its processes at once, what they share counted once
            (PSS), or of the largest of them, whichever is more; looked at in runs that do not
            count, 0 in others.
        traffic: What the server saw, where one is watched.
    """

    seconds: float
    cpu: float
    peak: int
    output: str = ""
    tree_peak: int = 0
    traffic: Traffic | None = None


@dataclass(frozen=True)
class Result:
    """What came of one contestant.

    Attributes:
        name: What it is called.
        contestant: What ran.
        samples: Its counted runs; empty where it failed.
        trial: The first run, which counts only where it took longer than the budget.
        failure: Its message, where it failed.
    """

    name: str
    contestant: Contestant
    samples: tuple[Sample, ...] = ()
    trial: Sample | None = None
    failure: str = ""


def run(contestant: Contestant, *, look: bool = False, limit: float | None = None) -> Sample:
    """Measure one run.

    Args:
        contestant: What to run.
        look: Sample its processes' memory, which costs it a little time.
        limit: Seconds after which it is ended.

    Raises:
        RuntimeError: It failed, or took too long.
    """
    contestant.prepare()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(
                contestant.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=contestant.directory,
                env={**os.environ, **contestant.environment},
                start_new_session=True,
            )
        except OSError as error:
            raise RuntimeError(f"{contestant.command[0]}: {error.strerror}") from error
        ended = threading.Event()
        peaks: list[int] = []
        watchers = [threading.Thread(target=_look, args=(process.pid, ended, peaks))] * look
        if limit is not None:
            watchers.append(threading.Thread(target=_end, args=(process.pid, ended, limit)))
        for watcher in watchers:
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        ended.set()
        for watcher in watchers:
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        told = _text(output)
        if process.returncode:
            if limit is not None and seconds >= limit:
                raise RuntimeError(f"no end within {limit:.0f} s")
            raise RuntimeError(_message(_text(errors), told, process.returncode))
    if contestant.check is not None:
        contestant.check()
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(seconds, cpu, usage.ru_maxrss * 1024, told, max(peaks, default=0))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _message(errors: str, output: str, status: int) -> str:
    """The lines that say what went wrong, as short as can be."""
    lines = [line.strip() for line in (errors.strip() or output.strip()).splitlines()]
    telling = [line for line in lines if "error" in line.lower()] or lines[-3:]
    return " ".join(telling)[:_MESSAGE] or f"status {status}, without a word"


def _end(pid: int, ended: threading.Event, limit: float) -> None:
    if not ended.wait(limit):
        os.killpg(pid, signal.SIGKILL)


def _look(pid: int, ended: threading.Event, peaks: list[int]) -> None:
    # Looking takes the time of the process looked at, too: at most a thirtieth of it.
    over = False
    while not over:
        begin = time.perf_counter()
        processes = list(_tree(pid))
        peaks.append(sum(_field(process, "smaps_rollup", "Pss:") for process in processes))
        # Of each by itself, the kernel keeps what it had between two looks, too.
        peaks.extend(_field(process, "status", "VmHWM:") for process in processes)
        over = ended.wait(max(_SAMPLING, 30 * (time.perf_counter() - begin)))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:
        return  # it has ended meanwhile


def _field(pid: int, file: str, name: str) -> int:
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # it has ended meanwhile
    return 0


def counted_runs(runs: int, budget: float, trial: float) -> int:
    """How many runs a contestant gets.

    Args:
        runs: At most.
        budget: Seconds that its runs may take in all.
        trial: Seconds that its first took.

    Returns:
        0 where the first alone took more than the budget: then that one is what counts.
    """
    return 0 if trial > budget else max(1, min(runs, int(budget / trial) if trial else runs))


def contest(
    contestants: Mapping[str, Contestant],
    runs: int,
    *,
    budget: float = 60.0,
    limit: float = 300.0,
    watch: Callable[[], Traffic] | None = None,
) -> list[Result]:
    """Measure all of them, in turn, run by run.

    Each first has a run that does not count, in which its memory is looked at; unless it took
    longer than the budget: then it has no other. Who fails once is out, with its message.

    Args:
        contestants: By name.
        runs: For each, at most.
        budget: Seconds for the counted runs of one contestant.
        limit: Seconds after which a run is ended, and counts as failed.
        watch: What the server saw since it was last asked; asked after each contestant's first.
    """
    results: dict[str, Result] = {}
    left: dict[str, int] = {}
    for name, contestant in contestants.items():
        if watch is not None:
            watch()
        try:
            trial = run(contestant, look=True, limit=limit)
        except RuntimeError as error:
            results[name] = Result(name, contestant, failure=str(error))
            continue
        if watch is not None:
            trial = replace(trial, traffic=watch())
        left[name] = counted_runs(runs, budget, trial.seconds)
        counted = () if left[name] else (trial,)
        results[name] = Result(name, contestant, counted, trial)
    for number in range(max(left.values(), default=0)):
        for name in [name for name, most in left.items() if number < most]:
            result = results[name]
            try:
                sample = run(result.contestant, limit=limit)
                results[name] = replace(result, samples=(*result.samples, sample))
            except RuntimeError as error:
                results[name] = Result(name, result.contestant, failure=str(error))
                left[name] = 0
    return list(results.values())


def part_of(
    whole: Result, name: str, does: str, leaves: str, seconds: Callable[[str], float]
) -> Result:
    """A part of a contestant's work, as a result of its own.

    Args:
        whole: Of which it is a part.
        name: What to call it.
        does: What it does.
        leaves: What of the whole it is not.
        seconds: How long it took, read from what the contestant wrote to stdout.
    """
    samples = tuple(replace(sample, seconds=seconds(sample.output)) for sample in whole.samples)
    contestant = replace(whole.contestant, does=does, leaves=leaves)
    return replace(whole, name=name, contestant=contestant, samples=samples)


def median(samples: Sequence[Sample]) -> float:
    """Median wall time, in seconds."""
    return statistics.median(sample.seconds for sample in samples)


def ratio(samples: Sequence[Sample], reference: Sequence[Sample]) -> float:
    """Median of the runs' ratios to the reference's run beside them.

    Where one has had fewer runs than the other, the ratio of the medians.
    """
    if len(samples) != len(reference):
        return median(samples) / median(reference)
    return statistics.median(
        sample.seconds / other.seconds for sample, other in zip(samples, reference, strict=True)
    )
