"""``npm2nixlite container-build``: build in a clean container, and switch by hash."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.container_options import add_container_options
from npm2nixlite.container.build import Builder, BuildOutcome
from npm2nixlite.container.job import DEFAULT_SCRIPT, BuildJob, check_name, read_variables
from npm2nixlite.container.limits import Limits
from npm2nixlite.container.paths import ContainerPaths
from npm2nixlite.container.report import describe, state
from npm2nixlite.container.rootfs import Network
from npm2nixlite.container.runners import find_runner
from npm2nixlite.container.switch import Step, Switcher, no_room, rollback
from npm2nixlite.container.tools import DEFAULT_TOOLS, NATIVE_TOOLS, find_tools
from npm2nixlite.container.units import Units
from npm2nixlite.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from npm2nixlite.cli.console import Console

__all__ = [
    "add_parser",
    "build_in_container",
    "outcome_json",
    "outcome_line",
    "run",
]

_DESCRIPTION = """\
Build a project that cannot be canonical in a clean container with network, and switch to it.

From source, script and tools comes a hash. Where it is the current one, nothing is done. Otherwise
the build runs beside what is running; only when it succeeds is its result moved in place, the hash
written, and are the units restarted; the old result goes once they run. On failure all stays as it
was, and the build's log is kept.

NAME is the service's (mempool-backend), SOURCE the project's directory.
"""

_EPILOG = """\
files, in the directories of --state-dir, --work-dir and --result-dir:
  STATE-DIR/NAME               the current hash
  RESULT-DIR/NAME/current      the current result, where the units run from
  WORK-DIR/NAME/NAME-lastlog   the output of the last build

The build has the network, Node.js, npm and the tools that are named. It cannot reach other
processes, the host's files, or (from Linux 6.12 on) the host's abstract sockets. A source file that
only its owner may read stays so, and is left out of the result.

examples:
  npm2nixlite container-build mempool-backend ./backend --unit mempool-mainnet
  npm2nixlite container-build site . --native --tool rsync
  npm2nixlite container-build mempool-backend --status
  npm2nixlite container-build mempool-backend --rollback --unit mempool-mainnet
"""

_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, NixOS
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
)

_SAID = {
    "built": "built and switched to",
    "switched": "was built already; switched to",
    "nothing": "up to date; nothing to do:",
    "left": "left alone, for it was rolled back from (--retry builds it again):",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "container-build",
        help="build in a clean container with network, and switch by hash",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", metavar="NAME", help="the service's name")
    parser.add_argument("source", metavar="SOURCE", nargs="?", type=Path, help="the project")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--status", action="store_true", help="say what is current, and nothing else"
    )
    action.add_argument(
        "--rollback",
        action="store_true",
        help="return to the previous result while it is still there, and restart the units",
    )
    add_container_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    name = check_name(parsed.name)
    places = _places(parsed, name)
    if parsed.status or parsed.rollback:
        if parsed.source is not None:
            raise UsageError("--status and --rollback take no SOURCE", hint="give only NAME")
        return _status(places, console) if parsed.status else _rollback(parsed, places, console)
    if parsed.source is None:
        raise UsageError("no SOURCE is given", hint="name the project's directory after NAME")
    outcome = build_in_container(parsed, console, name, parsed.source)
    console.say(outcome_line(outcome))
    console.summary({"containerBuild": outcome_json(outcome)})
    return 0


def build_in_container(
    parsed: argparse.Namespace, console: Console, name: str, source: Path
) -> BuildOutcome:
    """Build as `add_container_options` parsed.

    Raises:
        UsageError: The options make no sense here.
        InputError: The source cannot be used.
        BuildError: The build or the switch failed.
    """
    if not source.is_dir():
        raise InputError(
            "no such directory", where=str(source), hint="name the project's directory"
        )
    runner = find_runner(parsed.runner)
    native = NATIVE_TOOLS if parsed.native else ()
    job = BuildJob(
        name=name,
        source=source,
        script=DEFAULT_SCRIPT if parsed.script is None else _text(parsed.script),
        tools=find_tools((*DEFAULT_TOOLS, *native, *parsed.tools), parsed.visible),
        environment=_variables(parsed.env_files, parsed.env),
        output=parsed.output,
    )
    builder = Builder(
        job=job,
        runner=runner,
        limits=Limits(
            memory=parsed.memory,
            cpus=parsed.cpus,
            seconds=parsed.time_limit,
            processes=parsed.processes,
            disk=parsed.disk,
        ),
        network=Network(_certificates(parsed.cafile), parsed.npmrc, parsed.registry),
        switcher=_switcher(parsed, _places(parsed, name), _watch(console)),
        retry=parsed.retry,
    )
    return builder.run(wait=not parsed.no_wait, tell=console.warn)


def outcome_line(outcome: BuildOutcome) -> str:
    """What a run came to, for people."""
    return (
        f"{outcome.container}: {_SAID[outcome.action]} {outcome.result} ({outcome.seconds:.1f} s)"
    )


def outcome_json(outcome: BuildOutcome) -> dict[str, Any]:
    """The same, for programs."""
    return {
        "action": outcome.action,
        "hash": outcome.hash,
        "container": outcome.container,
        "result": str(outcome.result),
        "seconds": round(outcome.seconds, 3),
    }


def _status(places: ContainerPaths, console: Console) -> int:
    fields = state(places)
    for line in describe(fields):
        console.result(line)
    console.summary(fields)
    return 0


def _rollback(parsed: argparse.Namespace, places: ContainerPaths, console: Console) -> int:
    switcher = _switcher(parsed, places, _watch(console))
    try:
        places.make()
        with places.lock(wait=not parsed.no_wait, tell=console.warn):
            target = rollback(switcher)
    except OSError as error:
        raise no_room(error) from error
    console.say(f"{places.name}: rolled back to {target}")
    console.summary({"rollback": {"hash": target, "result": str(places.current)}})
    return 0


def _places(parsed: argparse.Namespace, name: str) -> ContainerPaths:
    directories = (parsed.state_dir, parsed.work_dir, parsed.result_dir)
    return ContainerPaths(name, *(directory.absolute() for directory in directories))


def _switcher(
    parsed: argparse.Namespace, places: ContainerPaths, watch: Callable[[Step], None]
) -> Switcher:
    units = Units(tuple(parsed.units), parsed.systemctl, parsed.settle)
    return Switcher(places, units, keep_previous=parsed.keep_previous, watch=watch)


def _watch(console: Console) -> Callable[[Step], None]:
    return lambda step: console.detail(f"  {step.value}")


def _certificates(given: Path | None) -> Path | None:
    if given is not None:
        return given
    named = os.environ.get("NODE_EXTRA_CA_CERTS")
    places = (*([named] if named else []), *_CERTIFICATES)
    return next((Path(place) for place in places if Path(place).is_file()), None)


def _variables(files: Iterable[Path], named: Iterable[tuple[str, str]]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for file in files:
        variables.update(read_variables(file))
    return {**variables, **dict(named)}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(
            f"the script cannot be read: {reason}", where=str(file), hint="name a shell script"
        ) from error
