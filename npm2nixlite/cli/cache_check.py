"""``npm2nixlite cache-check``: whether a binary cache is whole."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.check import CheckOptions
from npm2nixlite.cache import Cache, default_cache_directory
from npm2nixlite.cli.cache_options import add_cache_options, remote_cache, store_dir
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.nix.path_info import store_path
from npm2nixlite.publish.repair import RepairOptions, check_cache
from npm2nixlite.sources.collect import SourceOptions, read_sources
from npm2nixlite.store.path import StorePath
from npm2nixlite.store.signature import PublicKey, read_secret_key

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console
    from npm2nixlite.publish.repair import RepairReport

__all__ = ["add_parser"]

_DESCRIPTION = """\
Look at every narinfo of a binary cache, or at those of some paths and all that these refer to: is
its NAR there, of the right size and compression, and is what it refers to there, too?

Over http(s), all that is there can only be looked at where the server lists it, as nginx does with
autoindex_format json.
"""

_EPILOG = """\
examples:
  npm2nixlite cache-check file:///srv/cache
  npm2nixlite cache-check https://cache.example ./result backend
  npm2nixlite cache-check s3://bucket --deep --repair

The exit status is 1 where something is wrong that was not repaired.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "cache-check",
        help="check that a binary cache is whole, and repair it",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_cache_options(parser)
    parser.add_argument(
        "items",
        metavar="FILE or STORE-PATH",
        nargs="*",
        type=Path,
        help="what to look at (default: all that is there)",
    )
    group = parser.add_argument_group("checking")
    group.add_argument("--deep", action="store_true", help="read every NAR, and compare its hashes")
    group.add_argument(
        "--key",
        metavar="NAME:BASE64",
        action="append",
        default=[],
        help="one of these public keys must have signed what is not fixed by its content",
    )
    group.add_argument(
        "--repair",
        action="store_true",
        help="send again what is wrong, from the download cache or the local Nix store",
    )
    group.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="sign what is repaired with this secret key",
    )
    group.add_argument(
        "--cache-dir",
        metavar="DIR",
        type=Path,
        default=default_cache_directory(),
        help="download cache (default: %(default)s)",
    )
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    downloads = Cache(parsed.cache_dir)
    options = CheckOptions(
        store_dir(), parsed.deep, parsed.jobs, tuple(map(PublicKey.parse, parsed.key))
    )
    repair = None
    if parsed.repair:
        repair = RepairOptions(downloads, keys=tuple(map(read_secret_key, parsed.key_file)))
    paths = _paths(parsed.items, downloads) if parsed.items else None
    checked = check_cache(remote_cache(parsed), options, paths, repair, console.bar)
    _tell(console, checked)
    return 1 if checked.left else 0


def _paths(items: list[Path], downloads: Cache) -> list[StorePath]:
    directory = store_dir()
    in_store = {item: store_path(item, directory) for item in items}
    files = [item for item, path in in_store.items() if path is None]
    sources = read_sources(files, SourceOptions(downloads))
    return [
        *(StorePath.parse(path) for path in in_store.values() if path is not None),
        *(file.store_path(directory) for file in sources.files(downloads)),
    ]


def _tell(console: Console, checked: RepairReport) -> None:
    found = checked.check
    for key, fault in found.faults.items():
        name = found.named.get(key, key)
        after = "; repaired" if key in checked.repaired else ""
        console.result(f"{name}: {fault}{after}")
    read = f"; {human_bytes(found.read_bytes)} read" if found.read_bytes else ""
    console.say(
        f"{plural(found.paths, 'path')}: {len(found.faults):,} with faults, "
        f"{len(checked.repaired):,} repaired{read}"
    )
    if found.unused:
        console.say(
            f"{plural(len(found.unused), 'NAR')} without a narinfo "
            f"({human_bytes(found.unused_bytes)}); 'npm2nixlite cache-gc' removes such"
        )
    console.summary(
        {
            "paths": found.paths,
            "faults": [
                {
                    "narinfo": key,
                    "path": str(found.named[key]) if key in found.named else None,
                    "fault": fault,
                    "repaired": key in checked.repaired,
                }
                for key, fault in found.faults.items()
            ],
            "unusedNars": len(found.unused),
            "unusedBytes": found.unused_bytes,
            "readBytes": found.read_bytes,
        }
    )
