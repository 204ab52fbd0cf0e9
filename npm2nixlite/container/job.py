"""What is to be built, and the hash that stands for it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.container.tree import tree_hash
from npm2nixlite.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.container.tools import Tools

__all__ = ["DEFAULT_SCRIPT", "LEFT_OUT", "BuildJob", "check_name", "container_name"]

DEFAULT_SCRIPT = "npm ci\nnpm run build --if-present\n"
"""``npm ci``, which installs what the lock says; ``npm install`` may install something else."""

LEFT_OUT = frozenset({".git", "node_modules"})
"""What of the source's top level is no source: history, and what ``npm ci`` makes anew."""

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
