"""A project that is generated, and what is asked of stores and caches it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.integrity import parse_integrity
from npm2nixlite.store.path import fixed_output_path
from tests.support.projects import Run, locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import NixElsewhere
    from tests.support.registry import Registry

__all__ = ["NOWHERE", "Project", "generated"]

NOWHERE = "http://127.0.0.1:1/"
"""What a registry looks like that cannot be reached."""


@dataclass(frozen=True)
class Project:
    """A generated project, and a download cache that is empty."""

    home: Path
    directory: Path
    paths: list[str]

    @property
    def file(self) -> Path:
        return self.directory / "node-packages.nix"

    def run(self, command: str, *arguments: str | Path, **env: str) -> Run:
        """Run a command with the project's download cache, in its home."""
        cache = ("--cache-dir", self.home / "cache", "--retries", "0")
        return run_program(command, *cache, *arguments, home=self.home, **env)

    def build(self, nix: NixElsewhere) -> list[str]:
        """Have Nix realise all sources, with the registry out of reach; returns their paths."""
        attributes = ("-A", "sources", "--argstr", "registry", NOWHERE)
        return nix("nix-build", "--no-out-link", self.file, *attributes).decode().split()


def generated(home: Path, registry: Registry, *, packages: int = 3, size: int = 0) -> Project:
    """Publish packages (one scoped, one large, and ``size`` bytes more in each), and generate."""
    names = ["@scope/b", "large", *(f"p{number}" for number in range(packages - 2))]
    locks = {}
    paths = []
    for name in names:
        data = registry.publish(name, size=2_000_000 if name == "large" else size)
        locks[f"node_modules/{name}"] = locked(integrity=sri(data))
        (integrity,) = parse_integrity(sri(data))
        tarball = f"{name.rpartition('/')[2]}-1.0.0.tgz"
        paths.append(str(fixed_output_path(tarball, integrity)))
    directory = home / "project"
    write_lock(directory, locks)
    (home / ".npmrc").write_text(f"registry={registry.base}\n")
    run = run_program(
        "generate", directory, "--trust-lock", "--cache-dir", home / "unused", home=home
    )
    assert run.status == 0, run.stderr
    return Project(home, directory, sorted(paths))


def told(nix: NixElsewhere, store: str, paths: list[str]) -> dict[str, dict[str, object]]:
    """What Nix says of paths in a store, after it has read and verified all of them there."""
    nix("nix", "store", "verify", "--store", store, *paths)
    return nix.path_info("--store", store, *paths)
