"""Run a command that cannot reach the host's abstract sockets, nor send signals out.

A build shares the host's network, and abstract Unix sockets (a desktop's display, a session bus)
belong to the network. Linux 6.12 has the means to keep processes from them: Landlock's scopes.
On an older kernel, the command runs without.

It runs as a program of its own, by its file's name, with the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

__all__ = ["can_confine", "confine", "confined_command", "main"]

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on every machine
_QUERY_VERSION = 1
_FIRST_WITH_SCOPES = 6  # Landlock's version in Linux 6.12
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS


def can_confine() -> bool:
    """Whether this machine's kernel can keep a command from abstract sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _QUERY_VERSION)
    return int(version) >= _FIRST_WITH_SCOPES


def confined_command() -> list[str]:
    """What goes before a command's words; empty where the kernel has no such means."""
    # By its file, isolated: the package need not be on the new process's path.
    return [sys.executable, "-I", __file__] if can_confine() else []


def confine() -> None:
    """Confine this process, and all that it will start.

    Raises:
        OSError: The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # struct landlock_ruleset_attr: file system and network rights stay as they are.
    attributes = struct.pack("=QQQ", 0, 0, _ABSTRACT_SOCKETS | _SIGNALS)
    size = ctypes.c_size_t(len(attributes))
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.c_char_p(attributes), size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock makes no ruleset")
    try:
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "privileges cannot be given up")
        if libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "Landlock does not confine this process")
    finally:
        os.close(ruleset)


def main(arguments: list[str]) -> None:
    """Confine this process, and become the command."""
    confine()
    os.execvp(arguments[0], arguments)  # noqa: S606 (the command line's own words)


if __name__ == "__main__":
    main(sys.argv[1:])
