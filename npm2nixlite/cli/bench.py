"""``npm2nixlite bench``: how fast this machine fetches a lock, and what the time goes to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.agreement.decision import Decision
from npm2nixlite.bench.measure import measure
from npm2nixlite.bench.preview import preview
from npm2nixlite.cache import Cache, default_cache_directory
from npm2nixlite.cli.bench_report import announcement, as_json, sources, table
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import add_network_options, fetch_options, natural
from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.errors import InputError, UsageError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.plan import plan_lock
from npm2nixlite.sources.resolve import Wanted

if TYPE_CHECKING:
    from npm2nixlite.bench.preview import Preview
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = """\
Measure how fast this machine fetches a project's lock from its registry, and what the time goes
to: network, hashing, or disk.

Each tarball is asked for once (again only after a failure that may pass, see --retries), as
'generate' does it: fetched, verified and put into a cache. How many there are and from where is
said beforehand, and on a terminal you are asked whether to go on. How many bytes that will be is
known only of tarballs in the download cache: a lock has no sizes. All further measurements are of
what came: hashing and writing it, each alone, and the whole fetch repeated from a server on
loopback, in turn with 'curl --parallel' to files where there is a curl. That server takes its part
of the processors.

Git revisions and local tarballs are not fetched. The project itself is not touched.

PROJECT is a directory with an npm-shrinkwrap.json or package-lock.json, or such a file itself.
"""

_EPILOG = """\
examples:
  npm2nixlite bench                           the project in this directory
  npm2nixlite bench --connections 16 frontend
  npm2nixlite bench --yes --json              without a question, for programs
  npm2nixlite bench --cache-dir DIR           again with the same DIR, it asks the registry nothing
"""

_DECLINED = 130


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "bench",
        help="measure fetching: this machine, registry and lock",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: ."
    )
    parser.add_argument("-y", "--yes", action="store_true", help="download without a question")
    parser.add_argument(
        "--runs",
        metavar="N",
        type=natural,
        default=3,
        help="repetitions from loopback, which ask no registry (default: %(default)s)",
    )
    group = parser.add_argument_group("fetching")
    group.add_argument(
        "--cache-dir",
        metavar="DIR",
        type=Path,
        help="download cache to fetch into and keep; what it has is not fetched (default: a "
        "temporary one, beside that of generate)",
    )
    add_network_options(group)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    wanted = _wanted(parsed)
    lock = wanted.plan.lock.file
    usual = Cache(parsed.cache_dir or default_cache_directory())
    seen = Cache(default_cache_directory())
    ahead = preview(wanted, usual if parsed.cache_dir else None, seen)
    if parsed.yes or not ahead.tarballs:
        console.say(announcement(lock, ahead))
    elif not _agreed(lock, ahead, console):
        console.say("nothing was downloaded")
        console.summary({"lock": lock, "agreed": False})
        return _DECLINED
    for what in wanted.plan.trees, wanted.plan.local_files:
        if what:
            kind = "git revision" if what is wanted.plan.trees else "local tarball"
            console.say(f"not measured: {kind}s, {len(what):,} of them")
    with usual.partial_directory() as scratch:
        cache = usual if parsed.cache_dir else Cache(scratch / "cache")
        measured = measure(
            wanted, cache, scratch, fetch_options(parsed), parsed.runs, console.bar("fetching")
        )
    console.result(table(measured))
    console.summary(as_json(lock, ahead, measured, parsed.connections))
    return 0


def _wanted(parsed: argparse.Namespace) -> Wanted:
    lock = read_lock(find_lock(parsed.project))
    config = load_registry_config(
        Path(lock.file).absolute().parent, user_file=parsed.npmrc, registry=parsed.registry
    )
    plan = plan_lock(lock, config.scope_registry)
    if not plan.tarballs:
        raise InputError(
            "it has no tarball to fetch", where=lock.file, hint="name a project with dependencies"
        )
    return Wanted(plan, config, Decision(lock))


def _agreed(lock: str, ahead: Preview, console: Console) -> bool:
    answer = console.confirm(announcement(lock, ahead), "Download them?")
    if answer is None:
        raise UsageError(
            f"this downloads {sources(ahead)}, and there is no terminal to ask on",
            where=lock,
            hint="agree with --yes",
        )
    return answer
