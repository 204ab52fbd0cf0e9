"""The canonical build: what Nix builds from fixed outputs, and what keeps a lock from it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.node_packages.read import load_node_packages
from npm2nixlite.plan import plan_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.plan import Blocker

__all__ = ["Expression", "blockers_of", "nix_build"]


@dataclass(frozen=True)
class Expression:
    """What to hand to ``nix-build``.

    Attributes:
        file: A Nix file.
        attribute: The attribute of it to build; None for all.
        strings: Its arguments.
        out_link: Where the symlink to the result goes.
    """

    file: Path
    attribute: str | None
    strings: Mapping[str, str]
    out_link: Path


def blockers_of(project: Path) -> tuple[Blocker, ...]:
    """What keeps a project's lock from being canonical.

    Some of it the lock tells; the rest, such as what a git repository builds when it is installed,
    was found out when `OUTPUT_NAME` was generated, and stands there.

    Raises:
        InputError: There is no lock, or it or the generated file cannot be read.
    """
    lock = read_lock(find_lock(project))
    # Which registry a scope comes from changes addresses, but not what blocks.
    planned = plan_lock(lock, lambda _: None).blockers
    generated = _generated_blockers(Path(lock.file).parent / OUTPUT_NAME, lock.sha256)
    return tuple(dict.fromkeys((*planned, *generated)))


def _generated_blockers(file: Path, lock_hash: str) -> tuple[Blocker, ...]:
    """The blockers in a generated file; one that is missing, or of another lock, tells none."""
    if not file.is_file():
        return ()
    content = load_node_packages(file)
    return content.blockers if content.lock_sha256 == lock_hash else ()


def nix_build(expression: Expression) -> list[str]:
    """Build with Nix; what it says on its way goes to stderr.

    Returns:
        The store paths of the results.

    Raises:
        InputError: There is no such file.
        BuildError: There is no Nix, or the build fails.
    """
    if not expression.file.exists():
        raise InputError(
            "there is no Nix expression to build",
            where=str(expression.file),
            hint="name it with --file; --fallback builds in a container instead",
        )
    command = ["nix-build", str(expression.file), "--out-link", str(expression.out_link)]
    if expression.attribute is not None:
        command += ["--attr", expression.attribute]
    for name, value in expression.strings.items():
        command += ["--argstr", name, value]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
    except OSError as error:
        raise BuildError(
            f"nix-build cannot be run: {error.strerror}",
            hint="install Nix; --fallback builds in a container instead",
        ) from error
    if done.returncode:
        raise BuildError(
            f"nix-build ended with status {done.returncode}",
            where=str(expression.file),
            hint="see above what failed; --fallback builds in a container instead",
        )
    return done.stdout.split()
