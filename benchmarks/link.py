"""A network of a given latency and bandwidth, in namespaces of its own.

Two network namespaces, one for the server and one for the clients, are joined by a TUN device in
each and a process that carries packets from one to the other, each of them later by half the
round-trip time. The kernel's own TCP does the rest, for handshakes, slow start and all; the
bandwidth is the server's side's, limited by the kernel (``tbf``) for all connections together.

It stands for one path to a registry with that latency and bandwidth, and nothing else on it: no
loss, no jitter, and no server that takes its time to answer. The queue before the narrow place
drops nothing: what is dropped on the sender's own machine, its TCP takes for something else than
congestion, and waits for seconds.

It wants root, ``ip`` and ``tc``, and /dev/net/tun.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import struct
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Link", "missing", "open_link"]

_TUN = Path("/dev/net/tun")
_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x1, 0x1000, 0x4000
# Checksums and segmentation are left undone: both ends are this machine, and a packet of 64 KiB
# that counts as 45 of them saves its copying 45 times over.
_OFFLOADS = 0x1 | 0x2  # TUN_F_CSUM, TUN_F_TSO4
_PACKET = 65536 + 64  # bytes, at most
_QUEUE = 64 * 1024 * 1024  # bytes; the kernel lets each connection queue a few packets only
_SERVER, _CLIENT = "10.213.7.1", "10.213.7.2"


@dataclass(frozen=True)
class Link:
    """A way from clients to a server.

    Attributes:
        host: The server's address.
        server: Runs the command behind it on the server's side.
        client: Runs the command behind it on the clients' side.
    """

    host: str
    server: tuple[str, ...]
    client: tuple[str, ...]


def missing() -> str:
    """Why there can be no link here; nothing where there can."""
    if os.geteuid() != 0:
        return "it wants root, for network namespaces"
    if not _TUN.exists():
        return f"there is no {_TUN}"
    lacking = [name for name in ("ip", "tc", "nsenter") if shutil.which(name) is None]
    if lacking:
        return f"there is no {lacking[0]}"
    try:
        with open_link(0, 1):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no namespace can be had: {error}"


@contextmanager
def open_link(milliseconds: float, megabits: float | None) -> Iterator[Link]:
    """Make a link; gone with its context.

    Args:
        milliseconds: The round-trip time.
        megabits: From server to clients, a second; None for what this machine gives.

    Raises:
        OSError: TUN devices cannot be made.
        CalledProcessError: Namespaces cannot be made.
    """
    names = [f"n2nl-{side}-{os.getpid()}" for side in ("server", "client")]
    devices = [f"n2nl{side}{os.getpid() % 100000}" for side in "sc"]
    with contextlib.ExitStack() as stack:
        files = []
        for name, device, own in zip(names, devices, (_SERVER, _CLIENT), strict=True):
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "delete", name)
            files.append(_tun(device))
            stack.callback(os.close, files[-1])
            _run("ip", "link", "set", device, "netns", name)
            other = _CLIENT if own == _SERVER else _SERVER
            _run("ip", "-n", name, "link", "set", "lo", "up")
            _run("ip", "-n", name, "address", "add", own, "peer", other, "dev", device)
            _run("ip", "-n", name, "link", "set", device, "mtu", "1500", "txqueuelen", "10000")
            _run("ip", "-n", name, "link", "set", device, "up")
        if megabits is not None:
            burst = max(3200, int(megabits * 1e6 / 8 * 0.002))  # two milliseconds' worth
            limit = ["rate", f"{megabits}mbit", "burst", str(burst), "limit", str(_QUEUE)]
            _run("ip", "netns", "exec", names[0], "tc", "qdisc", "add", "dev", devices[0], "root",
                 "tbf", *limit)  # fmt: skip
        carrier = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.link", *map(str, files), str(milliseconds / 2000)],
            pass_fds=files,
            cwd=Path(__file__).parents[1],
        )
        try:
            enter = [("nsenter", f"--net=/run/netns/{name}") for name in names]
            yield Link(_SERVER, enter[0], enter[1])
        finally:
            carrier.terminate()
            carrier.wait()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _tun(device: str) -> int:
    file = os.open(_TUN, os.O_RDWR)
    flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
    fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", device.encode(), flags))
    fcntl.ioctl(file, _TUNSETOFFLOAD, _OFFLOADS)
    os.set_blocking(file, False)
    return file


def carry(one: int, other: int, delay: float) -> None:
    """Carry packets both ways, each of them ``delay`` seconds late, while the parent lives."""
    parent = os.getppid()
    ways = {one: (other, deque[tuple[float, bytes]]()), other: (one, deque[tuple[float, bytes]]())}
    while os.getppid() == parent:
        dues = [queue[0][0] for _, queue in ways.values() if queue]
        wait = max(0.0, min(dues) - time.monotonic()) if dues else 1.0
        for file in select.select([one, other], [], [], wait)[0]:
            with contextlib.suppress(BlockingIOError):
                for _ in range(64):
                    ways[file][1].append((time.monotonic() + delay, os.read(file, _PACKET)))
        now = time.monotonic()
        for target, queue in ways.values():
            while queue and queue[0][0] <= now:
                # Dropped where the other side's queue is full, as on any network.
                with contextlib.suppress(BlockingIOError):
                    os.write(target, queue[0][1])
                queue.popleft()


if __name__ == "__main__":
    carry(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
