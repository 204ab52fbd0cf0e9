"""What is to be built, and the hash that stands for it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.container.tree import tree_hash
from npm2nixlite.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.container.tools import Tools

__all__ = [
    "DEFAULT_SCRIPT",
    "LEFT_OUT",
    "VARIABLE_NAME",
    "BuildJob",
    "check_name",
    "container_name",
    "read_variables",
]

DEFAULT_SCRIPT = "npm ci\nnpm run build --if-present\n"
"""``npm ci``, which installs what the lock says; ``npm install`` may install something else."""

LEFT_OUT = frozenset({".git", "node_modules"})
"""What of the source's top level is no source: history, and what ``npm ci`` makes anew."""

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a shell can export."""

_MOST_VARIABLES = 1 << 20  # bytes of a file of variables
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class BuildJob:
    """A build.

    Attributes:
        name: Of the service, ``mempool-backend``.
        source: The project's directory.
        script: For ``sh -eu``, in the source's copy.
        tools: What the container's PATH has.
        environment: Variables for the script, beside those every build has.
        output: The directory below the source's copy that is the result; ``.`` for all of it.
    """

    name: str
    source: Path
    script: str
    tools: Tools
    environment: Mapping[str, str]
    output: str = "."

    def hash(self, source_hash: str) -> str:
        """64 hexadecimal digits that change with whatever can change the result."""
        parts = {
            "source": source_hash,
            "script": self.script,
            "tools": self.tools.identities(),
            "environment": dict(sorted(self.environment.items())),
            "output": self.output,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def source_hash(self) -> str:
        """The hash of the source as it is now.

        Raises:
            InputError: It cannot be read, or holds something that is no file.
        """
        return tree_hash(self.source, LEFT_OUT)


def read_variables(file: Path) -> dict[str, str]:
    """The variables of a file: a line ``NAME=VALUE`` each; empty lines and ``#`` lines are none.

    Raises:
        InputError: It cannot be read, is too long, or has another line.
    """
    try:
        with file.open("rb") as content:
            text = content.read(_MOST_VARIABLES + 1)
        if len(text) > _MOST_VARIABLES:
            raise InputError("more than 1 MiB of variables", where=str(file))
        lines = text.decode("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise InputError("it is not UTF-8 text", where=str(file)) from error
    variables = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not VARIABLE_NAME.fullmatch(name) or "\0" in value:
            raise InputError(
                f"line {number} is not of the form NAME=VALUE",
                where=str(file),
                hint="one variable a line; values are taken as they are, without quotes",
            )
        variables[name] = value
    return variables


def check_name(name: str) -> str:
    """The name, where it can be one of a file and of a container.

    Raises:
        UsageError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a container build",
            hint="lower-case letters, digits and hyphens, a letter first: mempool-backend",
        )
    return name


def container_name(name: str, job_hash: str) -> str:
    """The container's name.

    >>> container_name("mempool-backend", "0123456789abcdef")
    'mempoolbackendbuild01234567'
    """
    return f"{name.replace('-', '')}build{job_hash[:8]}"
