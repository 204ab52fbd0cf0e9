"""Directories for a container build, a service that runs from its result, and a systemctl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.projects import Run, environment, run_program

__all__ = ["Yard"]

UNIT = "answer"

# A stand-in for systemctl, where no systemd runs: it really starts and stops one process, from
# the current result, and writes down what it was asked.
_SYSTEMCTL = """\
#!/bin/sh
cd {yard}
echo "$@" >>asked
case $1 in
  restart)
    [ ! -e pid ] || kill "$(cat pid)" 2>/dev/null
    rm -f port
    setsid {python} {yard}/serve.py </dev/null >/dev/null 2>&1 &
    echo $! >pid
    # As for a unit that says when it is ready: the start is over when it did, or ended.
    while [ ! -e port ] && kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.02; done
    ;;
  is-active)
    if kill -0 "$(cat pid)" 2>/dev/null; then echo active; else echo failed; exit 3; fi
    ;;
esac
"""

# Serves the current result as it was at the start; a result with a file "broken" does not run.
_SERVICE = """\
import os, sys
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
tree = os.path.realpath({current!r})
if not Path(tree, "answer.txt").exists() or Path(tree, "broken").exists():
    sys.exit(1)
server = HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tree))
Path({yard!r}, "port.new").write_text(str(server.server_port))
Path({yard!r}, "port.new").rename(Path({yard!r}, "port"))
server.serve_forever()
"""


@dataclass(frozen=True)
class Yard:
    """A place for one name's builds, that a container's user can get to.

    Attributes:
        root: The directory that all is in.
        runner: Of the builds.
        disk: What work and results are below, and the hash.
    """

    root: Path
    runner: str
    disk: Path

    @classmethod
    def make(cls, root: Path, runner: str, disk: Path | None = None) -> Yard:
        yard = cls(root, runner, disk or root)
        yard.source.mkdir()
        systemctl = root / "systemctl"
        systemctl.write_text(_SYSTEMCTL.format(yard=root, python=sys.executable))
        systemctl.chmod(0o755)
        service = _SERVICE.format(yard=str(root), current=str(yard.current))
        (root / "serve.py").write_text(service)
        return yard

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def work(self) -> Path:
        return self.disk / "work"

    @property
    def results(self) -> Path:
        return self.disk / "results" / "web-site"

    @property
    def current(self) -> Path:
        return self.results / "current"

    @property
    def log(self) -> Path:
        return self.work / "web-site" / "web-site-lastlog"

    @property
    def places(self) -> list[str]:
        return [
            f"--state-dir={self.disk / 'state'}",
            f"--work-dir={self.work}",
            f"--result-dir={self.disk / 'results'}",
        ]

    @property
    def options(self) -> list[str]:
        unit = [f"--unit={UNIT}", f"--systemctl={self.root / 'systemctl'}", "--settle=0"]
        return [*self.places, *unit, f"--runner={self.runner}"]

    def script(self, text: str) -> str:
        path = self.root / "script"
        path.write_text(text)
        return f"--script={path}"

    def build(self, *options: str) -> Run:
        return self.program("container-build", "web-site", self.source, *options)

    def program(self, *arguments: str | Path, **env: str) -> Run:
        return run_program(*arguments, *self.options, home=self.root, **env)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """A build that goes on beside the test."""
        command = [sys.executable, "-m", "npm2nixlite", "container-build", "web-site"]
        return subprocess.Popen(
            [*command, str(self.source), *self.options, *options],
            cwd=self.root,
            env=environment(self.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def status(self) -> Any:
        command = ("container-build", "web-site", "--status", "--json", *self.places)
        run = run_program(*command, home=self.root)
        assert run.status == 0, run.stderr
        return json.loads(run.stdout)

    def answer(self) -> str:
        """What the service says, over HTTP."""
        wait_until((self.root / "port").exists)
        port = (self.root / "port").read_text()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/answer.txt", timeout=10) as got:
            return str(got.read().decode()).strip()

    def restarts(self) -> int:
        asked = self.root / "asked"
        return asked.read_text().count("restart ") if asked.exists() else 0

    def is_tidy(self) -> bool:
        """Whether there is one result, and nothing of a build."""
        work = {path.name for path in (self.work / "web-site").iterdir()}
        results = {path.name for path in self.results.iterdir()}
        expected = {self.hash(), "current", "status.json"}
        return work <= {"lock", self.log.name} and results == expected

    def hash(self) -> str:
        return (self.disk / "state" / "web-site").read_text().strip()

    def close(self) -> None:
        if (self.root / "pid").exists():
            subprocess.run(
                ["sh", "-c", 'kill "$(cat "$1")" 2>/dev/null', "sh", str(self.root / "pid")]
            )


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def processes_with(text: str) -> list[int]:
    """The processes whose command line has a text."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal() and int(directory.name) != os.getpid():
            try:
                command = (directory / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in command:
                found.append(int(directory.name))
    return found
