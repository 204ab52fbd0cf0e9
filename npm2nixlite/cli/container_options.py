"""The options of every command that may build in a container."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from npm2nixlite.container.job import DEFAULT_SCRIPT, VARIABLE_NAME
from npm2nixlite.container.limits import Limits
from npm2nixlite.container.paths import RESULT_DIR, STATE_DIR, WORK_DIR
from npm2nixlite.container.runners import RUNNERS
from npm2nixlite.container.tools import DEFAULT_TOOLS
from npm2nixlite.container.units import Units

__all__ = ["add_container_options"]

_SMALLEST_SIZE = 1 << 20  # bytes; nobody means less
_LONGEST_NUMBER = 15  # digits
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def add_container_options(parser: argparse.ArgumentParser) -> None:
    """Add them: those of the build, and those of the switch."""
    limits = Limits()
    group = parser.add_argument_group("the build in the container")
    group.add_argument(
        "--script",
        metavar="FILE",
        type=Path,
        help=f"the build script, for sh -eu (default: {'; '.join(DEFAULT_SCRIPT.splitlines())})",
    )
    group.add_argument(
        "--output", metavar="DIR", default=".", help="the directory that is the result (default: .)"
    )
    group.add_argument(
        "--tool",
        metavar="PROGRAM",
        dest="tools",
        action="append",
        default=[],
        help="put a program on PATH: a name, a path, or a directory of programs; beside "
        f"{', '.join(DEFAULT_TOOLS)}, sh and env",
    )
    group.add_argument(
        "--native",
        action="store_true",
        help="put on PATH what node-gyp needs: python3, make, gcc, g++ and what these run",
    )
    group.add_argument(
        "--visible",
        metavar="DIR",
        action="append",
        type=Path,
        default=[],
        help="let the container read this directory, where a tool is installed outside the system",
    )
    group.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        type=_variable,
        default=[],
        help="a variable for the build; without a value, that of this process, which no list of "
        "processes shows",
    )
    group.add_argument(
        "--env-file",
        metavar="FILE",
        dest="env_files",
        action="append",
        type=Path,
        default=[],
        help="variables for the build, a line NAME=VALUE each; for secrets",
    )
    group.add_argument("--registry", metavar="URL", help="npm's registry for the build")
    group.add_argument(
        "--npmrc", metavar="FILE", type=Path, help="the build's own .npmrc; its scripts can read it"
    )
    group.add_argument(
        "--cafile",
        metavar="FILE",
        type=Path,
        help="certificate authorities (default: NODE_EXTRA_CA_CERTS, or the system's)",
    )
    group.add_argument(
        "--runner",
        choices=sorted(RUNNERS),
        help="what isolates it (default: nspawn for root where it is installed, else bwrap)",
    )
    group.add_argument(
        "--memory",
        metavar="SIZE",
        type=_size,
        default=limits.memory,
        help="for each process, and for files in memory; with systemd for the whole container, "
        "too (default: 8G)",
    )
    group.add_argument(
        "--disk",
        metavar="SIZE",
        type=_size,
        default=limits.disk,
        help="what the build may write to disk (default: 32G)",
    )
    group.add_argument(
        "--processes",
        metavar="N",
        type=_positive,
        default=limits.processes,
        help="how many may run at once, threads included (default: %(default)s)",
    )
    group.add_argument("--cpus", metavar="N", type=_positive, help="how many (default: all)")
    group.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=_positive,
        default=int(limits.seconds),
        help="after which the build is killed (default: %(default)s)",
    )
    group = parser.add_argument_group("the switch")
    group.add_argument(
        "--unit",
        metavar="UNIT",
        dest="units",
        action="append",
        default=[],
        help="restart it after a switch, and see that it runs",
    )
    group.add_argument(
        "--systemctl", metavar="PROGRAM", default="systemctl", help="what restarts units"
    )
    group.add_argument(
        "--settle",
        metavar="SECONDS",
        type=_seconds,
        default=Units.settle,
        help="after which a restarted unit must be active (default: %(default)g)",
    )
    group.add_argument(
        "--keep-previous",
        action="store_true",
        help="keep the result that ran before, so that --rollback can return to it at any time",
    )
    group.add_argument(
        "--retry", action="store_true", help="build and switch to what was rolled back from, too"
    )
    group.add_argument(
        "--no-wait", action="store_true", help="fail where another run for NAME is under way"
    )
    for name, default, what in (
        ("--state-dir", STATE_DIR, "current hashes"),
        ("--work-dir", WORK_DIR, "builds under way, and logs"),
        ("--result-dir", RESULT_DIR, "results; on the work directory's file system"),
    ):
        # The place depends on the user, and --help is the same for all.
        shown = f"npm2nixlite/{default.name} in /var/lib, for others than root in $XDG_STATE_HOME"
        group.add_argument(
            name, metavar="DIR", type=Path, default=default, help=f"{what} (default: {shown})"
        )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not VARIABLE_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if not equals:
        if name not in os.environ:
            raise argparse.ArgumentTypeError(f"there is no variable {name} here to pass on")
        value = os.environ[name]
    return name, value


def _size(text: str) -> int:
    factor = _UNITS.get(text[-1:].upper(), 1)
    number = text[:-1] if factor > 1 else text
    if not (number.isascii() and number.isdecimal()) or len(number) > _LONGEST_NUMBER:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: 4G, 512M, or a number of bytes")
    size = int(number) * factor
    if size < _SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"{text!r} is {size:,} bytes, too few; write {number}G")
    return size


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
