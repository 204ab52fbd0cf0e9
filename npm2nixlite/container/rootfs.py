"""The container's own file system: next to nothing, and read-only while it runs."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.container.tools import Tools

__all__ = [
    "BUILD",
    "HOME",
    "START",
    "UID",
    "USER",
    "VARIABLES",
    "Network",
    "environment",
    "make_root",
]

UID = 1000
"""The user's number inside."""

USER = "build"
BUILD = Path("/build")
"""Where the copy of the source is: writable, as `HOME` and ``/tmp`` are, and nothing else."""

HOME = Path("/home/build")
_SCRIPT = Path("/build-script")
VARIABLES = Path("/build-environment")
"""What is exported before the script runs; only the container's user can read it."""

START = ("/bin/sh", "-eu", "-c", f". {VARIABLES}; exec /bin/sh -eu {_SCRIPT}")
"""The command that runs the script. Variables are in a file: a command line can be seen by all."""


_BIN = Path("/tools/bin")
_CA = Path("/etc/ssl/certs/ca-certificates.crt")
_EMPTY = ("proc", "sys", "dev", "tmp", "run", "var", "root", "etc", "build", "home/build")
_FILES = {
    "etc/passwd": f"root:x:0:0::/root:/bin/sh\n{USER}:x:{UID}:{UID}::{HOME}:/bin/sh\n",
    "etc/group": f"root:x:0:\n{USER}:x:{UID}:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/machine-id": "",  # the host's is nobody's business
    "etc/os-release": "ID=npm2nixlite-container\n",
}


@dataclass(frozen=True)
class Network:
    """What of the host's settings a build needs to reach others.

    Attributes:
        certificates: A file of certificate authorities; None for those Node.js brings.
        npmrc: Becomes the user's own ``.npmrc``; None for none.
        registry: A registry base; None for what npm is configured for inside.
    """

    certificates: Path | None = None
    npmrc: Path | None = None
    registry: str | None = None


def make_root(
    root: Path,
    home: Path,
    tools: Tools,
    script: str,
    network: Network,
    variables: Mapping[str, str],
) -> None:
    """Lay out the file system, without what is mounted into it.

    Args:
        root: An empty directory.
        home: The user's, empty, too; it is mounted later.
        tools: For which there are symlinks and mount points.
        script: What is run.
        network: Copied from the host as it is now.
        variables: See `environment`.

    Raises:
        OSError: The disk is full, say, or a file of ``network`` is missing.
    """
    for name in _EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (root / name).write_text(text, "utf-8")
    for name, target in tools.links.items():
        (root / name).symlink_to(target)
    for mount in tools.mounts:
        place = root / mount.relative_to("/")
        if mount.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    _link_programs(root, tools)
    (root / _SCRIPT.relative_to("/")).write_text(script, "utf-8")
    exports = root / VARIABLES.relative_to("/")
    exports.touch(mode=0o600)
    exports.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()),
        "utf-8",
    )
    resolver = Path("/etc/resolv.conf")
    if resolver.is_file():
        shutil.copyfile(resolver, root / "etc/resolv.conf")
    if network.certificates is not None:
        place = root / _CA.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(network.certificates, place)
    if network.npmrc is not None:
        (home / ".npmrc").touch(mode=0o600)
        shutil.copyfile(network.npmrc, home / ".npmrc")


def environment(network: Network, extra: Mapping[str, str]) -> dict[str, str]:
    """The variables a build has; nothing of the host's own gets in."""
    variables = {
        "PATH": str(_BIN),
        "HOME": str(HOME),
        "LANG": "C.UTF-8",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }
    if network.certificates is not None:
        for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "GIT_SSL_CAINFO"):
            variables[name] = str(_CA)
    if network.registry is not None:
        variables["npm_config_registry"] = network.registry
    return {**variables, **extra}


def _link_programs(root: Path, tools: Tools) -> None:
    directory = root / _BIN.relative_to("/")
    directory.mkdir(parents=True)
    for name, program in tools.programs.items():
        (directory / name).symlink_to(program)
    # Paths that shebangs, npm and systemd-nspawn take for granted, where no mount fills them.
    for place in ("bin/sh", "usr/bin/env", "usr/bin/getent"):
        path = root / place
        mounted = {Path("/", place).parent, Path("/usr", place).parent} & set(tools.mounts)
        if not mounted and path.name in tools.programs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(tools.programs[path.name])
