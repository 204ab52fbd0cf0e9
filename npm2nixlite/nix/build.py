"""The canonical build: what Nix builds from fixed outputs, and what keeps a lock from it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.node_packages.read import load_node_packages
from npm2nixlite.plan import plan_lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from npm2nixlite.plan import Blocker

__all__ = ["EvaluationError", "Expression", "blockers_of", "nix_build"]


class EvaluationError(InputError):
    """A Nix expression that is not there, or cannot be evaluated: no build of it failed."""


@dataclass(frozen=True)
class Expression:
    """What to hand to ``nix-build``.

    Attributes:
        file: A Nix file.
        attribute: The attribute of it to build; None for all.
        strings: Its arguments that are strings.
        expressions: Its other arguments, as Nix expressions.
        out_link: Where the symlink to the result goes.
    """

    file: Path
    attribute: str | None
    strings: Mapping[str, str]
    out_link: Path
    expressions: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """The words for Nix's commands."""
        words = [str(self.file)]
        if self.attribute is not None:
            words += ["--attr", self.attribute]
        for name, value in self.strings.items():
            words += ["--argstr", name, value]
        for name, value in self.expressions.items():
            words += ["--arg", name, value]
        return words


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
        EvaluationError: There is no such file, or it cannot be evaluated.
        BuildError: There is no Nix, or the build fails.
    """
    if not expression.file.exists():
        raise EvaluationError(
            "there is no Nix expression to build",
            where=str(expression.file),
            hint="name it with --file, or let 'npm2nixlite init' write one",
        )
    evaluated, _ = _run("nix-instantiate", expression.arguments)
    if evaluated:
        raise EvaluationError(
            "the Nix expression cannot be evaluated",
            where=str(expression.file),
            hint="see above what is wrong with it; a build in a container would not mend that",
        )
    out_link = ["--out-link", str(expression.out_link)]
    status, output = _run("nix-build", [*expression.arguments, *out_link])
    if status:
        raise BuildError(
            f"nix-build ended with status {status}",
            where=str(expression.file),
            hint="see above what failed; --fallback builds in a container instead",
        )
    return output.split()


def _run(program: str, arguments: Sequence[str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BuildError(
            f"{program} cannot be run: {error.strerror or error}",
            hint="install Nix; --fallback builds in a container instead",
        ) from error
    return done.returncode, done.stdout
