"""Those who fetch a lock's tarballs: their commands, cold, and what each does and leaves out."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Contestant, Result, part_of
from benchmarks.scratch import clearing
from benchmarks.workload import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.tools import Tools
    from benchmarks.workload import Stock

__all__ = [
    "CURL",
    "FETCH",
    "GENERATE",
    "LIMIT",
    "Course",
    "bun",
    "curl",
    "fetch_seconds",
    "flatpak",
    "generate",
    "npm",
    "others",
    "pnpm",
    "with_stage",
]

CURL = "curl --parallel"
LIMIT = "curl --parallel, then openssl dgst -sha512 on every core"
FETCH = "npm2nixlite: fetch + verify + cache"
GENERATE = "npm2nixlite generate"

_PLACEHOLDER = "http://base.invalid/"


@dataclass(frozen=True)
class Course:
    """What all run on.

    Attributes:
        stock: The lock and its tarballs.
        base: The server's address.
        scratch: For all that they write.
        tools: Their programs.
        authority: The certificate to trust, for https.
        within: A command that runs the command behind it, in a network namespace say.
    """

    stock: Stock
    base: str
    scratch: Path
    tools: Tools
    authority: Path | None = None
    within: tuple[str, ...] = ()

    def contestant(
        self,
        command: Sequence[str],
        prepare: Callable[[], None],
        *,
        does: str,
        leaves: str = "",
        directory: Path | None = None,
        **environment: str,
    ) -> Contestant:
        """A contestant at home in the scratch directory, so that nobody's settings count."""
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        variables = {"HOME": str(home), "NO_UPDATE_NOTIFIER": "1", "CI": "1", **environment}
        variables |= {"npm_config_registry": self.base, "npm_config_update_notifier": "false"}
        if self.authority is not None:
            variables["NODE_EXTRA_CA_CERTS"] = str(self.authority)
            variables["npm_config_cafile"] = str(self.authority)
        return Contestant(
            [*self.within, *command],
            prepare,
            does=does,
            leaves=leaves,
            environment=variables,
            directory=directory,
        )

    def copy(self, name: str) -> Path:
        """A copy of the project for one contestant, with the registry in its settings."""
        project = self.stock.copy(self.base, self.scratch / name)
        (project / ".npmrc").write_text(f"registry={self.base}\n")
        (project / ".yarnrc").write_text(f'registry "{self.base}"\n')
        return project

    def converted(self, name: str, project: Path, contestant: Contestant) -> None:
        """Have a contestant turn the lock into its own kind, unmeasured.

        What comes of it is kept for the next time, whatever the server's address.
        """
        lock = self.stock.project.joinpath(Path(self.stock.lock.file).name)
        key = hashlib.sha256(json.dumps(contestant.command[1:]).encode() + lock.read_bytes())
        kept = KEPT / "converted" / f"{key.hexdigest()[:24]}-{name}"
        if not kept.exists():
            done = subprocess.run(
                contestant.command,
                cwd=project,
                env={**os.environ, **contestant.environment},
                capture_output=True,
                check=False,
                text=True,
                timeout=600,
            )
            if done.returncode or not (project / name).exists():
                told = (done.stderr.strip() or done.stdout.strip())[-300:]
                raise RuntimeError(f"{' '.join(contestant.command[-2:])}: {told}")
            kept.parent.mkdir(exist_ok=True)
            text = (project / name).read_text().replace(self.base, _PLACEHOLDER)
            kept.write_text(text)
        (project / name).write_text(kept.read_text().replace(_PLACEHOLDER, self.base))


def curl(course: Course) -> dict[str, Contestant]:
    """The limits: all tarballs to files over 64 connections; and the same with their hashes."""
    files, config = course.scratch / "files", course.scratch / "curl.config"
    lines = (
        f'url = "{course.base}{path}"\noutput = "{files}/{number}"\n'
        for number, path in enumerate(course.stock.paths)
    )
    config.write_text("".join(lines))
    command = ["curl", "-sS", "--fail", "--parallel", "--parallel-max", "64", "-K", str(config)]
    if course.authority is not None:
        command += ["--cacert", str(course.authority)]
    made = course.contestant(
        command, clearing(files, make=True), does="downloads to files", leaves="any check"
    )
    hashing = (
        f"find {shlex.quote(str(files))} -type f -print0 |"
        f" xargs -0 -P {len(os.sched_getaffinity(0))} -n 64 openssl dgst -sha512 >/dev/null"
    )
    hashed = course.contestant(
        ["sh", "-c", f"{shlex.join(command)} && {hashing}"],
        clearing(files, make=True),
        does="downloads to files, reads them again and hashes them",
        leaves="comparing hashes with the lock",
    )
    return {CURL: made, LIMIT: hashed}


def generate(course: Course, *options: str, warm: bool = False, name: str = "cold") -> Contestant:
    """`npm2nixlite generate`, the whole process; ``warm`` keeps its cache."""
    cache = course.scratch / f"{name}-cache"
    project = course.scratch / f"{name}-project"
    if not project.exists():
        shutil.copytree(course.stock.copy(course.base, project / "copy"), project / "used")
    command = [sys.executable, "-m", "npm2nixlite", "generate", str(project / "used"), "--json"]
    command += ["-o", str(course.scratch / f"{name}.nix"), "--registry", course.base, *options]
    prepare = (lambda: None) if warm else clearing(cache)
    return course.contestant(
        [*command, "--cache-dir", str(cache)],
        prepare,
        does=_generating(options, warm=warm),
        leaves="unpacking",
        # It would take tarballs that this machine happens to have from its store.
        NIX_STORE_DIR=str(course.scratch / "no-store"),
    )


def _generating(options: Sequence[str], *, warm: bool) -> str:
    if "--trust-lock" in options:
        return "all platforms; takes the lock's sha512 for granted, writes the Nix file"
    if "--check" in options:
        return "all platforms; verified before, compares the Nix file"
    if warm:
        return "all platforms; what its cache has, it verified before; writes the Nix file"
    return "all platforms; verifies every hash, writes the Nix file"


def with_stage(results: Sequence[Result]) -> list[Result]:
    """Results, and of our whole process also the fetching by itself."""
    found = []
    for result in results:
        if result.name == GENERATE:
            does = "all platforms; verifies every hash, fills the cache"
            found.append(part_of(result, FETCH, does, "its start and its end", fetch_seconds))
        found.append(result)
    return found


def fetch_seconds(output: str) -> float:
    """From the first request to the last file in the cache, of what `generate --json` says."""
    return float(json.loads(output)["fetch"]["fetchSeconds"])


def bun(course: Course, *, everywhere: bool) -> Contestant:
    """`bun install`, for this platform or for all of them."""
    project = course.copy(f"bun-{everywhere}")
    cache, modules = course.scratch / f"bun-cache-{everywhere}", project / "node_modules"
    common = {"BUN_INSTALL_CACHE_DIR": str(cache)}
    install = [course.tools.bun, "install", "--ignore-scripts", "--no-progress"]
    made = course.contestant(
        [*install, "--frozen-lockfile", *(["--os=*", "--cpu=*"] if everywhere else [])],
        clearing(cache, modules),
        does="all platforms; verifies, unpacks, links"
        if everywhere
        else "verifies, unpacks, links",
        leaves="" if everywhere else "other platforms' packages",
        directory=project,
        **common,
    )
    alone = replace(course, within=())
    lock = alone.contestant(
        [*install, "--lockfile-only"], lambda: None, does="", directory=project, **common
    )
    course.converted("bun.lock", project, lock)
    return made


def npm(course: Course) -> Contestant:
    """`npm ci`."""
    project = course.copy("npm")
    cache, modules = course.scratch / "npm-cache", project / "node_modules"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    return course.contestant(
        [*command, "--registry", course.base, "--cache", str(cache)],
        clearing(cache, modules),
        does="verifies, unpacks, links",
        leaves="other platforms' packages",
        directory=project,
    )


def pnpm(course: Course) -> Contestant:
    """`pnpm fetch`, from a lock that `pnpm import` made."""
    project = course.copy("pnpm")
    store, modules = course.scratch / "pnpm-store", project / "node_modules"
    program = course.tools.node("pnpm")
    imported = course.contestant(
        [program, "import"], lambda: None, does="", directory=project, **_pnpm(course)
    )
    course.converted("pnpm-lock.yaml", project, imported)
    return course.contestant(
        [program, "fetch", "--ignore-scripts", "--store-dir", str(store), "--reporter=silent"],
        clearing(store, modules),
        does="verifies, unpacks into its store",
        leaves="other platforms' packages",
        directory=project,
        **_pnpm(course),
    )


def _pnpm(course: Course) -> dict[str, str]:
    home = course.scratch / "home"
    return {"XDG_CACHE_HOME": f"{home}/pnpm-cache", "XDG_DATA_HOME": f"{home}/pnpm-data"}


def yarn(course: Course) -> Contestant:
    """Yarn 1, from a lock that `yarn import` made."""
    project = course.copy("yarn")
    cache, modules = course.scratch / "yarn-cache", project / "node_modules"
    program = course.tools.node("yarn")
    imported = course.contestant(
        [program, "import", "--non-interactive"], lambda: None, does="", directory=project
    )
    course.converted("yarn.lock", project, imported)
    aside = clearing(modules)
    aside()  # what importing left
    command = [program, "install", "--frozen-lockfile", "--ignore-scripts", "--ignore-engines"]
    return course.contestant(
        [*command, "--non-interactive", "--cache-folder", str(cache)],
        clearing(cache, modules),
        does="all platforms; verifies, unpacks, links",
        directory=project,
    )


def hermeto(course: Course) -> Contestant:
    """`hermeto fetch-deps`, which wants a git repository."""
    project = course.copy("hermeto")
    out = course.scratch / "hermeto-out"
    git = ["git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid"]
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-qm", "the lock"],
        ["remote", "add", "origin", "https://forge.example/benchmark.git"],
    ):
        subprocess.run([*git, *command], cwd=project, check=True, capture_output=True)
    program = course.tools.python("hermeto")
    return course.contestant(
        [
            program,
            "--log-level",
            "WARNING",
            "fetch-deps",
            "--source",
            str(project),
            "--output",
            str(out),
            "npm",
        ],
        clearing(out),
        does="all platforms; verifies, writes an SBOM",
        leaves="unpacking",
        directory=project,
    )


def flatpak(course: Course) -> Contestant:
    """flatpak-node-generator, which translates a lock as we do."""
    project = course.copy("flatpak")
    out = course.scratch / "flatpak.json"
    command = [course.tools.python("flatpak-node-generator"), "--no-requests-cache"]
    command += ["--registry", course.base, "-o", str(out), "npm"]
    return course.contestant(
        [*command, str(project / "package-lock.json")],
        clearing(out),
        does="all platforms; fetches, writes Flatpak sources",
        leaves="keeping a tarball",
        directory=project,
    )


def nix(course: Course) -> Contestant:
    """Nix itself, building the fixed-output derivations of the generated file."""
    file, store = course.scratch / "sources.nix", course.scratch / "nix-built"
    file.write_text(course.stock.text)
    command = ["nix-build", str(file), "-j16", "--quiet", "--no-out-link", "-A", "sources"]
    return course.contestant(
        [*command, "--argstr", "registry", course.base],
        clearing(store),
        does="all platforms; verifies, registers in a store",
        leaves="unpacking",
        NIX_REMOTE=str(store),
        NIX_CONFIG="build-users-group =\nsandbox = false\nsubstituters =\n",
        XDG_CACHE_HOME=str(course.scratch / "nix-cache"),
    )


def others(course: Course) -> dict[str, Callable[[Course], Contestant]]:
    """Everybody but curl and us, by name and version; each makes its contestant when called."""
    tools = course.tools
    bun_version = tools.version(tools.bun, "--version")

    def named(name: str, version: str) -> str:
        return f"{name} {version}".strip()

    return {
        named("bun install", bun_version): lambda c: bun(c, everywhere=False),
        f"{named('bun install', bun_version)} --os=* --cpu=*": lambda c: bun(c, everywhere=True),
        named("hermeto", tools.version(tools.python("hermeto"), "--version")): hermeto,
        named("pnpm fetch", tools.version(tools.node("pnpm"), "--version")): pnpm,
        named("npm ci", tools.version("npm", "--version")): npm,
        named("yarn install", tools.version(tools.node("yarn"), "--version")): yarn,
        "flatpak-node-generator 0.1.1": flatpak,
        named("nix-build -j16", tools.version("nix", "--version")): nix,
    }
