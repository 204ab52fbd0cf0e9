"""``npm2nixlite generate``: lock → node-packages.nix."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import add_fetch_options, fetch_options
from npm2nixlite.config.project_file import PROJECT_FILE, Project, read_project_file
from npm2nixlite.generate import Generated, GenerateOptions, generate, write_all
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.node_packages.names import OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from npm2nixlite.cli.console import Console
    from npm2nixlite.sources.resolve import FetchSummary

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Translate each project's lock into {OUTPUT_NAME}, beside the lock.

Every package of the lock is fetched (or found in the download cache), verified against every
hash the lock gives for it, and written as a fixed-output derivation. The file is replaced only
when everything went well.

PROJECT is a directory with an npm-shrinkwrap.json or package-lock.json, or such a file itself.
"""

_EPILOG = """\
examples:
  npm2nixlite generate                        the project in this directory, or all of its
                                              npm2nixlite.toml
  npm2nixlite generate backend frontend       two projects; what they share is fetched once
  npm2nixlite generate --check                for CI: exit 1 where the file is stale
  npm2nixlite generate --trust-lock           no download of what has a sha512 in the lock
  npm2nixlite generate --registry https://registry.example/
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "generate",
        help=f"translate locks into {OUTPUT_NAME} files",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "projects",
        metavar="PROJECT",
        nargs="*",
        type=Path,
        help=f"default: those that {PROJECT_FILE} in this directory names, else .",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the file to write, for one project"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 1 where a file is missing or stale, and say what changed",
    )
    parser.add_argument(
        "--omit-registry-resolved",
        "--omit-lockfile-registry-resolved",
        dest="omit_registry",
        action="store_true",
        help="write no default registry, whatever the lock names (npm's setting "
        "omit-lockfile-registry-resolved does the same)",
    )
    parser.add_argument(
        "--require-canonical",
        action="store_true",
        help="exit 2 where anything keeps a lock from being fixed-output derivations only",
    )
    parser.add_argument(
        "--require-sha512",
        action="store_true",
        help="exit 2 where a lock vouches for a tarball with sha1 only, or not at all",
    )
    parser.add_argument(
        "--trust-lock",
        action="store_true",
        help="take a sha512 in the lock for granted and do not fetch its tarball",
    )
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    options = GenerateOptions(
        fetch=fetch_options(parsed),
        output=parsed.output,
        offline=parsed.offline,
        trust_lock=parsed.trust_lock,
        registry=parsed.registry,
        npmrc=parsed.npmrc,
        omit_registry=parsed.omit_registry,
        require_canonical=parsed.require_canonical,
        require_sha512=parsed.require_sha512,
    )
    projects = _projects(parsed.projects)
    generated, resolution = generate(
        projects, Cache(parsed.cache_dir), options, console.bar("fetching")
    )
    if not parsed.check:
        write_all(generated)
    _tell_notes(console, generated, resolution.summary)
    for item in generated:
        _tell_project(console, item, check=parsed.check)
    console.say(_summary_line(resolution.summary))
    stale = parsed.check and not all(item.up_to_date for item in generated)
    console.summary(_json(generated, resolution.summary, check=parsed.check))
    return 1 if stale else 0


def _projects(named: Sequence[Path]) -> Sequence[Path | Project]:
    if named:
        return list(dict.fromkeys(named))
    file = Path(PROJECT_FILE)
    return read_project_file(file) if file.is_file() else [Path()]


def _notes(item: Generated) -> Iterator[str]:
    lock, blockers, left_out = item.plan.lock.file, item.plan.blockers, item.plan.left_out
    if blockers:
        yield f"{lock}: not canonical, {plural(len(blockers), 'blocker')}:"
        yield from (f"  {blocker.install_path}: {blocker.reason}" for blocker in blockers)
    if item.plan.dropped:
        yield (
            f"{lock}: package.json no longer asks for {', '.join(item.plan.dropped)}; npm ci "
            "leaves that out, and so does the tree; 'npm install' brings the lock up to date"
        )
    yield from (f"{lock}: {warning}" for warning in item.decision.warnings)
    if left_out:
        yield (
            f"{lock}: {plural(len(left_out), 'optional entry', 'optional entries')} without a "
            f"version left out, as npm does: {', '.join(left_out)}"
        )


def _tell_notes(console: Console, generated: Sequence[Generated], summary: FetchSummary) -> None:
    for item in generated:
        for note in _notes(item):
            console.warn(note)
        _tell_scripts(console, item)
    if summary.computed:
        labels = ", ".join(sorted(set(summary.computed)))
        console.warn(f"neither lock nor registry vouches for the hash of what came: {labels}")
    for packages, what in (
        (summary.by_registry, "without a hash in the lock: the registry's metadata decided"),
        (summary.sha1_only, "with only a sha1 in the lock: verified by it, written as sha512"),
    ):
        if packages:
            unique = sorted(set(packages))
            console.say(f"{plural(len(unique), 'package')} {what}")
            for label in unique:
                console.detail(f"  {label}")


def _tell_scripts(console: Console, item: Generated) -> None:
    for note in item.scripts.notes():
        console.say(f"{item.plan.lock.file}: {note}")


def _tell_project(console: Console, item: Generated, *, check: bool) -> None:
    paths = plural(len(item.plan.lock.entries), "install path")
    sources = [plural(len(item.plan.tarballs), "tarball")]
    if item.plan.local_files:
        sources.append(plural(len(item.plan.local_files), "local tarball"))
    if item.plan.trees:
        sources.append(plural(len(item.plan.trees), "git revision"))
    if item.prepared:
        locks = plural(len(item.prepared), "git dependency", "git dependencies")
        sources.append(f"{locks} to build by a lock of its own")
    tarballs = ", ".join(sources)
    if check and not item.up_to_date:
        console.result(f"{item.output}: stale; 'npm2nixlite generate' brings it up to date")
        for line in item.changes().lines():
            console.result(f"  {line}")
    elif item.up_to_date:
        console.say(f"{item.output}: up to date ({paths}, {tarballs})")
    else:
        console.say(f"{item.output}: written ({paths}, {tarballs})")
        if item.old_text is not None:
            console.say(f"  {item.changes().summary()}")


def _summary_line(summary: FetchSummary) -> str:
    parts = [f"{summary.fetched:,} fetched ({human_bytes(summary.fetched_bytes)})"]
    parts.append(f"{summary.from_cache:,} from cache")
    if summary.from_here:
        parts.append(f"{summary.from_here:,} from npm's cache or the Nix store")
    if summary.trusted:
        parts.append(f"{summary.trusted:,} trusted to the lock")
    rate = ""
    if summary.fetched:
        rate = f", {human_bytes(summary.fetched_bytes / max(summary.fetch_seconds, 1e-3))}/s"
    packages = plural(summary.packages, "package")
    return f"{packages}: {', '.join(parts)}; {summary.seconds:.1f} s{rate}"


def _json(generated: Sequence[Generated], summary: FetchSummary, *, check: bool) -> dict[str, Any]:
    return {
        "projects": [_json_project(item, check=check) for item in generated],
        "fetch": {
            "packages": summary.packages,
            "fetched": summary.fetched,
            "fetchedBytes": summary.fetched_bytes,
            "fromCache": summary.from_cache,
            "fromNpmOrNix": summary.from_here,
            "trusted": summary.trusted,
            "seconds": round(summary.seconds, 3),
            "fetchSeconds": round(summary.fetch_seconds, 3),
            "sha1Only": summary.sha1_only,
            "hashFromRegistry": sorted(set(summary.by_registry)),
            "hashComputed": sorted(set(summary.computed)),
        },
    }


def _json_project(item: Generated, *, check: bool) -> dict[str, Any]:
    if item.up_to_date:
        state = "up to date"
    elif check:
        state = "missing" if item.old_text is None else "stale"
    else:
        state = "written"
    fields: dict[str, Any] = {
        "project": str(item.project),
        "lock": item.plan.lock.file,
        "output": str(item.output),
        "state": state,
        "installPaths": len(item.plan.lock.entries),
        "tarballs": len(item.plan.tarballs),
        "localTarballs": len(item.plan.local_files),
        "gitRevisions": len(item.plan.trees),
        "gitBuilds": sorted(map(str, item.prepared)),
        "canonical": not item.plan.blockers,
        "blockers": [
            {"path": blocker.install_path, "reason": blocker.reason}
            for blocker in item.plan.blockers
        ],
        "leftOut": list(item.plan.left_out),
        "dropped": list(item.plan.dropped),
        "scriptsUndecided": item.scripts.undecided_labels,
    }
    if check and not item.up_to_date:
        changes = item.changes()
        fields["changes"] = {
            "added": changes.added,
            "removed": changes.removed,
            "changed": {path: list(versions) for path, versions in changes.changed.items()},
            "bumps": {path: kind.value for path, kind in changes.bumps().items()},
            "note": changes.note,
        }
    return fields
