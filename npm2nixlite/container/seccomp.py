"""The system calls that a build in bubblewrap may not make, as a filter program for the kernel.

systemd-nspawn brings a filter of its own. This one refuses what a build has no use for and what
has been a way out of containers: kernel keyrings, io_uring, further user namespaces, other
processes' namespaces, BPF and performance counters. The form is that of ``seccomp(2)``: classic
BPF over ``struct seccomp_data``.
"""

from __future__ import annotations

import platform
import struct
from errno import ENOSYS, EPERM
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MACHINES", "seccomp_filter"]

# name → number, from the kernel's tables of system calls (asm/unistd.h)
_X86_64 = {
    "clone": 56,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "setns": 308,
    "bpf": 321,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "clone3": 435,
}
_AARCH64 = {
    "unshare": 97,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "perf_event_open": 241,
    "setns": 268,
    "bpf": 280,
    "userfaultfd": 282,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "clone3": 435,
}

MACHINES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (0xC000003E, _X86_64),
    "aarch64": (0xC00000B7, _AARCH64),
}
"""Machine, as ``uname -m`` has it → its number in a filter (AUDIT_ARCH), and its system calls."""

_NEW_USER = 0x10000000  # CLONE_NEWUSER
_X32 = 0x40000000  # x86_64's second set of numbers starts here
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets into struct seccomp_data
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def seccomp_filter(machine: str | None = None) -> bytes | None:
    """The filter's instructions.

    Args:
        machine: As ``uname -m`` has it; this machine's where not given.

    Returns:
        What ``bwrap --seccomp`` reads; None for a machine whose system calls are not known here.
    """
    known = MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    architecture, calls = known
    program = [
        _instruction(_LOAD, _MACHINE),
        _instruction(_EQUAL, architecture, skip_if=1),
        # Another set of numbers would be a way around this one.
        _refuse(ENOSYS),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _X32, skip_else=1),
        _refuse(ENOSYS),
        # Its flags are in memory, where no filter can look; C libraries fall back to clone.
        _instruction(_EQUAL, calls["clone3"], skip_else=1),
        _refuse(ENOSYS),
    ]
    for name, number in sorted(calls.items()):
        if name == "clone3":
            continue
        if name in ("clone", "unshare"):
            program += [
                _instruction(_EQUAL, number, skip_else=4),
                _instruction(_LOAD, _FIRST_ARGUMENT),
                _instruction(_ANY_BIT, _NEW_USER, skip_else=1),
                _refuse(EPERM),
                _instruction(_RETURN, _ALLOW),
            ]
        else:
            program += [_instruction(_EQUAL, number, skip_else=1), _refuse(EPERM)]
    return b"".join([*program, _instruction(_RETURN, _ALLOW)])


def _instruction(code: int, value: int, *, skip_if: int = 0, skip_else: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if, skip_else, value)


def _refuse(error: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | error)
