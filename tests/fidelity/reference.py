"""What npm makes of a project: run once for each npm and tree, kept as a listing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.fidelity.listing import HIDDEN, list_modules, load, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fidelity.corpus import Project
    from tests.fidelity.listing import Listing
    from tests.fidelity.npms import Npm

__all__ = ["Outcome", "Reference"]

_CODE = re.compile(r"npm error code (\S+)")
_LEFT_OUT = re.compile(r"reify failed optional dependency (.*)")
_NOT_FETCHED = re.compile(r"npm http fetch GET (?:[45]\d\d |\S+ attempt \d+ failed)")
_BEFORE_OMITTING = frozenset({"EUSAGE", "ERESOLVE", "ENOENT"})
"""What npm refuses before it looks at what is to be left out."""
_OUT_OF_REACH = frozenset(
    {
        "128",  # git
        "E403",
        "E502",
        "E503",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENOTFOUND",
        "ERR_SOCKET_TIMEOUT",
        "ETIMEDOUT",
    }
)


@dataclass(frozen=True)
class Outcome:
    """How ``npm ci`` ended.

    Attributes:
        code: npm's error code; empty where it succeeded.
        message: What npm said of it, in short.
        left_out: Optional packages that npm left out because it could not fetch them.
        notes: Its ``.package-lock.json``; None where it made none.
    """

    code: str
    message: str
    left_out: tuple[str, ...] = ()
    notes: str | None = None

    @property
    def comparable(self) -> bool:
        """Whether it is npm that decided, and not the network."""
        return self.code not in _OUT_OF_REACH and not self.left_out


class Reference:
    """Runs npm.

    Args:
        state: Where results, and the npm cache, are kept.
        scratch: Where trees are made.
        registry: The registry base.
    """

    def __init__(self, state: Path, scratch: Path, registry: str) -> None:
        self._kept = state / "npm-results"
        self._kept.mkdir(parents=True, exist_ok=True)
        self.cache = state / "npm-cache"
        self._scratch, self._registry = scratch / "npm", registry
        for name in ("npmrc", "npmrc-global"):  # npm refuses to read the same file twice
            (state / name).write_text("")
        # what only the newest npm's default refuses; a project's own .npmrc goes before these
        (state / "npmrc-12").write_text(
            "".join(f"allow-{what}=all\n" for what in ("git", "remote", "file", "directory"))
        )
        self._state = state

    def known(self, project: Project, npm: Npm, omit: Sequence[str]) -> Outcome | None:
        """What was kept of it."""
        file = self._file(project, npm, omit)
        if not file.exists():
            return None
        kept = json.loads(file.read_text())
        return Outcome(**{**kept, "left_out": tuple(kept["left_out"])})

    def listing(self, project: Project, npm: Npm, omit: Sequence[str]) -> Listing:
        """The tree of an outcome without error."""
        return load(self._file(project, npm, omit).with_suffix(".gz"))

    def run(self, project: Project, npm: Npm, omit: Sequence[str]) -> Outcome:
        """Run ``npm ci --ignore-scripts`` in a copy, if it was not run before."""
        known = self.known(project, npm, omit)
        if known is not None:
            return known
        if omit:
            whole = self.run(project, npm, ())
            if whole.code in _BEFORE_OMITTING or not whole.comparable:
                return whole
        copy = project.copy(self._scratch)
        outcome = self._ci(copy.directory, npm, omit)
        file = self._file(project, npm, omit)
        if not outcome.code:
            save(list_modules(copy.whole / copy.below), file.with_suffix(".gz"))
        file.write_text(json.dumps(asdict(outcome)))
        shutil.rmtree(self._scratch)
        return outcome

    def _ci(self, directory: Path, npm: Npm, omit: Sequence[str]) -> Outcome:
        user = self._state / ("npmrc-12" if npm.major >= 12 else "npmrc")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.lower().startswith("npm_config_") and name != "NODE_ENV"
        }
        try:
            done = subprocess.run(
                [
                    *npm.command, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                    "--prefer-offline", "--loglevel=verbose",
                    "--fetch-retries=1", "--fetch-retry-mintimeout=1000", f"--cache={self.cache}",
                    f"--userconfig={user}", f"--globalconfig={self._state / 'npmrc-global'}",
                    "--update-notifier=false", "--logs-max=0",
                    f"--registry={self._registry}", *(f"--omit={group}" for group in omit),
                ],
                cwd=directory,
                env={**kept, "PATH": f"{npm.prefix}/bin:{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=900,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome("ETIMEDOUT", "npm took more than 15 minutes")
        if done.returncode:
            code = _CODE.search(done.stderr)
            said = [line[10:] for line in done.stderr.splitlines() if line.startswith("npm error")]
            return Outcome(code[1] if code else f"exit {done.returncode}", "\n".join(said[:12]))
        notes = directory / HIDDEN
        # npm 10 says the same of what is for another platform, which it does not fetch
        failed = _LEFT_OUT.findall(done.stderr) if _NOT_FETCHED.search(done.stderr) else []
        return Outcome(
            "",
            "",
            tuple(sorted(set(failed))),
            notes.read_text("utf-8") if notes.is_file() else None,
        )

    def _file(self, project: Project, npm: Npm, omit: Sequence[str]) -> Path:
        groups = "-".join(["without", *omit]) if omit else "whole"
        return self._kept / f"{project.digest()}-{npm.version}-{npm.node}-{groups}.json"
