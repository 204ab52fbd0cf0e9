"""What a valgrind counts the instructions of: ``python -m tests.support.translation WHAT LOCK``.

Everything is loaded and the lock's bytes are read, whatever WHAT is; then

- ``translate`` reads the lock as the program does, plans it, and renders its generated file;
- ``reference`` writes the lock anew with the standard library's encoder, the part of it that is
  written in Python.

What two runs differ by is the difference of their locks, and nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from npm2nixlite.lock.parse import read_lock
from npm2nixlite.node_packages.from_lock import node_packages_of
from npm2nixlite.node_packages.model import Pin
from npm2nixlite.node_packages.write import write_node_packages
from npm2nixlite.plan import plan_lock


def main(what: str, lock: Path) -> None:
    """Do it."""
    content = json.loads(lock.read_bytes())
    if what == "reference":
        json.dumps(content, indent=1)
        return
    plan = plan_lock(read_lock(lock), lambda _name: None)
    pins = {
        path: Pin(tarball.address, max(tarball.integrities))
        for tarball in plan.tarballs
        for path in tarball.install_paths
    }
    base = "https://registry.example/"
    write_node_packages(node_packages_of(plan.lock, pins, plan.blockers, base))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
