"""Putting fetched files into the local Nix store, each under its derivation's own path.

One ``nix-store --add-fixed`` for all of them: Nix hashes what it is given itself, so no wrong path
can come of it, and every user may do it, also through the daemon. An import of NARs is faster but
leaves paths without their content address, and the daemon takes it from trusted users only.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, FetchError
from npm2nixlite.files import remove_tree
from npm2nixlite.nix.command import batches, run
from npm2nixlite.progress import ignore
from npm2nixlite.store.fixed_file import FixedFile, wrong_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from npm2nixlite.progress import Advance
    from npm2nixlite.store.path import StorePath

_ROOT = "npm2nixlite-"

__all__ = ["PrimePlan", "add_roots", "apply", "plan", "plan_here", "store_dir"]


@dataclass(frozen=True, slots=True)
class PrimePlan:
    """What the local store has, and what it lacks.

    Attributes:
        valid: The paths it has.
        missing: The others, each with its file.
    """

    valid: tuple[StorePath, ...]
    missing: dict[StorePath, FixedFile]


async def store_dir() -> str:
    """The logical store directory of the Nix that is installed.

    Raises:
        BuildError: There is no Nix, or it cannot open its store.
    """
    lines = await run(
        ["nix-instantiate", "--eval", "--strict", "--json", "--expr", "builtins.storeDir"]
    )
    return str(json.loads("".join(lines)))


async def plan(files: Iterable[FixedFile], store_dir: str) -> PrimePlan:
    """Ask the local store what it has; nothing is added.

    Args:
        files: What it is to have; twice the same counts once.
        store_dir: The store's directory.

    Raises:
        BuildError: There is no Nix, or it cannot open its store.
        InputError: A name cannot be a store path's.
    """
    paths = {str(path): (path, file) for file in files for path in [file.store_path(store_dir)]}
    invalid: set[str] = set()
    for batch in batches(paths):
        invalid.update(await run(["nix-store", "--check-validity", "--print-invalid", *batch]))
    return PrimePlan(
        tuple(path for text, (path, _) in paths.items() if text not in invalid),
        {path: file for text, (path, file) in paths.items() if text in invalid},
    )


async def plan_here(files: Iterable[FixedFile]) -> PrimePlan:
    """The same, for the store directory of the Nix that is installed."""
    return await plan(files, await store_dir())


async def apply(
    plan: PrimePlan,
    scratch: Path | None = None,
    advance: Advance = ignore,
) -> None:
    """Add what a plan says is missing.

    Args:
        plan: What is missing.
        scratch: A directory for hard links, on the files' own file system; where there is none,
            the files are copied, to the usual place for temporary files.
        advance: Told of each path that is added.

    Raises:
        FetchError: A file is gone, or its bytes do not have its hash; then what Nix added of it
            lies under another path, where it harms nobody.
        BuildError: Nix cannot add a path; those added before stay.
    """

    def count(_: str) -> None:
        advance(1, 0)

    with _scratch(scratch) as directory:
        for (algorithm, recursive), wanted in _by_kind(plan.missing).items():
            place = directory / algorithm / str(recursive)
            names = _lay_out(wanted.values(), place)
            expected = dict(zip(names, wanted.items(), strict=True))
            for batch in batches(names):
                flags = ["--recursive"] if recursive else []
                command = ["nix-store", "--add-fixed", *flags, algorithm, *batch]
                got = await run(command, cwd=place, on_line=count)
                _compare(got, [expected[name] for name in batch])


def add_roots(paths: Iterable[StorePath], directory: Path) -> None:
    """Keep paths from being collected, as long as a directory is there with links to them.

    Args:
        paths: Valid paths.
        directory: Made where it is missing; links there that earlier calls made to other paths go.

    Raises:
        BuildError: A path is not valid, or the directory cannot be written.
    """
    made: set[str] = set()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number, batch in enumerate(batches(map(str, paths))):
            link = directory.absolute() / f"{_ROOT}{number}"
            command = ["nix-store", "--realise", "--add-root", str(link), "--indirect", *batch]
            made.update(Path(line).name for line in asyncio.run(run(command)))
        for old in directory.glob(f"{_ROOT}*"):
            if old.is_symlink() and old.name not in made:
                old.unlink()
    except OSError as error:
        raise BuildError(
            f"the roots cannot be made: {error.strerror}",
            where=str(directory),
            hint="name another directory",
        ) from error


def _by_kind(
    missing: dict[StorePath, FixedFile],
) -> dict[tuple[str, bool], dict[StorePath, FixedFile]]:
    """Algorithm, and whether the hash is the NAR's → what is fixed by such a hash."""
    kinds: dict[tuple[str, bool], dict[StorePath, FixedFile]] = {}
    for path, file in missing.items():
        kinds.setdefault((file.integrity.algorithm, file.recursive), {})[path] = file
    return kinds


def _compare(got: Sequence[str], expected: Sequence[tuple[StorePath, FixedFile]]) -> None:
    for text, (path, file) in zip(got, expected, strict=True):
        if text != str(path):
            raise wrong_bytes(file)


def _lay_out(files: Iterable[FixedFile], directory: Path) -> list[str]:
    """Give each file its derivation's name, which is what ``nix-store`` goes by.

    Returns:
        Their places, relative to ``directory``; two of one name are in two directories below it.
    """
    uses: dict[str, int] = {}
    made: set[int] = set()
    names: list[str] = []
    for file in files:
        use = uses[file.name] = uses.get(file.name, -1) + 1
        if use not in made:
            (directory / str(use)).mkdir(parents=True)
            made.add(use)
        names.append(f"{use}/{file.name}")
        _link_or_copy(file.path, directory / names[-1])
    return names


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
            return
        try:
            target.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, one without links, or another user's file
            shutil.copyfile(source, target)
    except FileNotFoundError:
        raise FetchError("the file is gone", where=str(source), hint="fetch it again") from None
    except OSError as error:
        raise BuildError(
            f"cannot be laid out for Nix: {error.strerror or error}",
            where=(str(source), str(target)),
            hint="make room there, or set TMPDIR to a larger place",
        ) from error


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    try:
        made = Path(tempfile.mkdtemp(prefix="npm2nixlite-prime-", dir=parent))
    except OSError:
        made = Path(tempfile.mkdtemp(prefix="npm2nixlite-prime-"))  # a cache may be read-only
    try:
        yield made
    finally:
        with suppress(OSError):
            remove_tree(made)
