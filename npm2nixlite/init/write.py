"""Decide what a project lacks, and write it: nothing over what is there, and all or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite import __version__
from npm2nixlite.config.project_file import PROJECT_FILE
from npm2nixlite.errors import InputError
from npm2nixlite.files import remove_tree
from npm2nixlite.init.files import (
    GITIGNORE,
    LIBRARY,
    PRE_COMMIT,
    PROJECT_FILE_TEXT,
    WORKFLOW,
    WRITTEN,
    default_nix,
    flake_nix,
    shell_nix,
)
from npm2nixlite.nix.library import NIX_FILES, library_directory, sandbox_modules
from npm2nixlite.node_packages.names import OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.init.inspect import ProjectFacts

__all__ = ["InitOptions", "NewFile", "apply", "plan_files", "vendored"]

_MARK = "VERSION"  # in a copied library: whose it is, and that it may be replaced
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What to write.

    Attributes:
        flake: Write ``flake.nix``.
        library: The flake that has the Nix library; None to copy it into the project.
    """

    flake: bool = True
    library: str | None = None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write.

    Attributes:
        path: Relative to the project's directory.
        text: What it is to hold; for lines to append, only these.
        state: ``new``; ``append`` for lines that a file lacks; ``kept`` for one that is there and
            stays as it is.
    """

    path: str
    text: str
    state: str


def plan_files(facts: ProjectFacts, options: InitOptions) -> list[NewFile]:
    """What the project lacks, but for the generated file and the copied library.

    Raises:
        InputError: A file that lines are to be appended to cannot be read.
    """
    library = options.library
    root = facts.directory
    # A project's own default.nix gives something else: what this writes goes beside it.
    packages = _own_name(root, "default.nix", "npm2nixlite.nix")
    shell = _own_name(root, "shell.nix", "npm2nixlite-shell.nix")
    wanted = {
        packages: default_nix(facts, library),
        shell: shell_nix(facts, library),
        PROJECT_FILE: PROJECT_FILE_TEXT,
    }
    if options.flake:
        wanted["flake.nix"] = flake_nix(facts, library, packages, shell)
    if (root / ".git").exists():
        wanted[".pre-commit-config.yaml"] = PRE_COMMIT
    if (root / ".github").is_dir():
        wanted[f".github/workflows/{OUTPUT_NAME.removesuffix('.nix')}.yml"] = WORKFLOW
    files = [
        NewFile(path, text, "kept" if os.path.lexists(root / path) else "new")
        for path, text in wanted.items()
    ]
    missing = _missing_lines(root / ".gitignore")
    if missing:
        state = "append" if (root / ".gitignore").exists() else "new"
        files.append(NewFile(".gitignore", "".join(f"{line}\n" for line in missing), state))
    return files


def _own_name(root: Path, usual: str, other: str) -> str:
    try:
        own = (root / usual).read_text("utf-8").startswith(WRITTEN)
    except FileNotFoundError:
        own = True
    except (OSError, ValueError):
        own = False
    return usual if own else other


def apply(directory: Path, files: Sequence[NewFile], *, vendor: bool) -> None:
    """Write them; where one cannot be written, those before it are removed again.

    Args:
        directory: The project's.
        files: See `plan_files`.
        vendor: Copy the Nix library into the project; an older copy is replaced.

    Raises:
        InputError: Something cannot be written.
    """
    made: list[Path] = []
    try:
        if vendor:
            _copy_library(directory / LIBRARY, made)
        for file in files:
            path = directory / file.path
            if file.state == "append":
                _append(path, file.text)
            elif file.state == "new":
                _make_parents(path.parent, made)
                with path.open("x", encoding="utf-8") as opened:
                    made.append(path)
                    opened.write(file.text)
    except OSError as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(error.filename or directory),
            hint="nothing was changed; give the rights there, and run it again",
        ) from error


def vendored(directory: Path) -> str | None:
    """The version of the library's copy in a project; None where there is none."""
    try:
        return (directory / LIBRARY / _MARK).read_text("utf-8").strip()
    except (OSError, ValueError):
        return None


def _copy_library(target: Path, made: list[Path]) -> None:
    library = library_directory()
    if target.exists() and not (target / _MARK).is_file():
        raise InputError(
            "there is something else where the Nix library is to go",
            where=str(target),
            hint="move it away, or name a flake with --library",
        )
    _make_parents(target.parent, made)
    copy = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        copy.chmod(0o755)
        for name in NIX_FILES:
            source = library / name
            if source.is_dir():
                shutil.copytree(source, copy / "nix" / name)
            else:
                (copy / "nix").mkdir(exist_ok=True)
                shutil.copyfile(source, copy / "nix" / name)
        for name in sandbox_modules():
            place = copy / _PACKAGE.name / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_PACKAGE / name, place)
        (copy / _MARK).write_text(f"{__version__}\n", "utf-8")
        old = target.with_name(f".{target.name}.old")
        if target.exists():
            remove_tree(old)
            target.rename(old)
        copy.rename(target)
        if old.exists():
            remove_tree(old)
        else:
            made.append(target)
    finally:
        if copy.exists():
            remove_tree(copy)


def _make_parents(directory: Path, made: list[Path]) -> None:
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _missing_lines(gitignore: Path) -> list[str]:
    try:
        lines = gitignore.read_text("utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(gitignore)) from error
    there = {line.strip().strip("/") for line in lines}
    return [line for line in GITIGNORE if line.strip("/") not in there]


def _append(path: Path, text: str) -> None:
    content = path.read_text("utf-8")
    separator = "" if not content or content.endswith("\n") else "\n"
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"{content}{separator}{text}")
    Path(file.name).chmod(path.stat().st_mode & 0o777)
    Path(file.name).replace(path)
