"""Run commands in turn and measure each as a whole process tree."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Contestant", "Sample", "interleave", "median", "ratio"]


@dataclass(frozen=True)
class Contestant:
    """A command to measure.

    Attributes:
        command: Its arguments.
        prepare: Called before each run, unmeasured: makes its caches cold.
    """

    command: Sequence[str]
    prepare: Callable[[], None]


@dataclass(frozen=True)
class Sample:
    """One run.

    Attributes:
        seconds: Wall time from start to end.
        cpu: Seconds of processor time, user and system, its own and its children's.
        peak: Bytes of resident memory of its largest process.
    """

    seconds: float
    cpu: float
    peak: int


def run(contestant: Contestant) -> Sample:
    """Measure one run.

    Raises:
        RuntimeError: It failed.
    """
    contestant.prepare()
    start = time.perf_counter()
    process = subprocess.Popen(
        contestant.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{contestant.command[0]} failed: {errors}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def interleave(contestants: Mapping[str, Contestant], runs: int) -> dict[str, list[Sample]]:
    """Measure all of them, run by run in turn, after one run each that does not count."""
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    for number in range(runs + 1):
        for name, contestant in contestants.items():
            sample = run(contestant)
            if number:
                samples[name].append(sample)
    return samples


def median(samples: Sequence[Sample]) -> float:
    """Median wall time, in seconds."""
    return statistics.median(sample.seconds for sample in samples)


def ratio(samples: Sequence[Sample], reference: Sequence[Sample]) -> float:
    """Median of the runs' ratios to the reference's run beside them."""
    return statistics.median(
        sample.seconds / other.seconds for sample, other in zip(samples, reference, strict=True)
    )
