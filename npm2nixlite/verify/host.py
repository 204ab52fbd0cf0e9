"""The machine that npm runs on, in npm's words."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from npm2nixlite.assemble.platform import Platform

if TYPE_CHECKING:
    from npm2nixlite.verify.npm import NpmVersions

__all__ = ["host_platform"]

_OS = {"Linux": "linux", "Darwin": "darwin", "FreeBSD": "freebsd"}
_CPU = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}


def host_platform(versions: NpmVersions) -> Platform:
    """The platform that the installed npm installs for."""
    system = platform.system()
    libc = None
    if system == "Linux":
        libc = "glibc" if platform.libc_ver()[0] == "glibc" else "musl"
    return Platform(
        os=_OS.get(system, system.lower()),
        cpu=_CPU.get(platform.machine(), platform.machine()),
        libc=libc,
        node=versions.node,
        npm=versions.npm,
    )
