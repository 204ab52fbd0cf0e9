"""Fill node_modules from tarballs that are at hand: beside npm and tar, without and with Nix.

Each into an empty directory:

- `python3 -m npm2nixlite.assemble`, the whole process, with as many processes as there are cores;
- `npm ci --offline --ignore-scripts` with a warm cache: all tarballs in it, all addresses in the
  lock, so that it looks up nothing; and
- `tar x` of one uncompressed archive of the finished tree, one process: it inflates nothing, reads
  one file in place of one for each package, and uses one core, for tar has no use for another.

And two derivations, sandboxed, in a store of the benchmark's own, whose inputs are in that store:
mkNodeModules, and one that copies an npm cache and runs `npm ci --offline` with it.

What a run leaves is moved aside and deleted at the end, for
ext4 is slow to make files soon after others were removed; that takes the tree's size (500 MB for
51,000 files) three times for each run. On a RAM disk, where that would be memory and makes no
difference, it is deleted before the next run.
"""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Contestant
from benchmarks.workload import KEPT
from npm2nixlite.assemble.manifest import (
    FromDirectory,
    FromNowhere,
    FromParent,
    FromTarball,
    FromTree,
    LinkTo,
)
from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions, generate
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.verify.host import host_platform
from npm2nixlite.verify.npm import copy_project, fill_addresses, installed_versions, seed_cache
from npm2nixlite.verify.sources import TreeSources
from npm2nixlite.verify.verify import addresses_of

if TYPE_CHECKING:
    from npm2nixlite.assemble.manifest import Manifest, ManifestEntry
    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.integrity import Integrity

__all__ = ["Prepared", "builders", "prepare", "unpackers"]

_ROOT = Path(__file__).parents[1]
_REGISTRY = "https://registry.example/"
_IN_MEMORY = ("tmpfs", "ramfs")


@dataclass(frozen=True)
class Prepared:
    """What all contestants start from.

    Attributes:
        project: A copy of the project, its lock with every address in it.
        manifest: The assembler's input, as a file.
        npm_cache: An npm cache with every tarball in it.
        generated: The project's ``node-packages.nix``.
        tarballs: Name in a Nix store → file, of what this platform needs.
    """

    project: Path
    manifest: Path
    npm_cache: Path
    generated: Path
    tarballs: tuple[tuple[str, Path], ...]


def prepare(project: Path, scratch: Path) -> Prepared:
    """Fetch once, and lay out what each contestant starts from."""
    cache = Cache(KEPT)
    (made,), resolution = generate([project], cache, GenerateOptions(fetch=FetchOptions()))
    lock, pins = made.plan.lock, resolution.pins[0]
    copy = copy_project(Path(lock.file).parent, lock, scratch / "npm")
    tarballs = {path: cache.path(pin.sha512) for path, pin in pins.items()}
    integrities: dict[str, frozenset[Integrity]] = {
        package.install_path: package.integrities for package in lock.packages
    }
    host = host_platform(installed_versions())
    manifest = TreeSources(cache, {}, host, scratch).manifest(lock, copy, pins)
    packages = {package.install_path: package for package in lock.packages}
    file = scratch / "manifest.json"
    file.write_text(json.dumps(_json(manifest)))
    shutil.copy(manifest.lock or "", scratch / "package-lock.json")  # the lock as it was
    seed_cache(
        scratch / "npm-cache", ((tarball, integrities[path]) for path, tarball in tarballs.items())
    )
    fill_addresses(copy / "package-lock.json", addresses_of(pins, _REGISTRY))
    generated = scratch / "node-packages.nix"
    generated.write_text(made.text)
    named = {
        (store_name(pin.address.path)[0], tarballs[path])
        for path, pin in pins.items()
        if "linux" in (packages[path].os or ("linux",)) or packages[path].os[0].startswith("!")
    }
    return Prepared(copy, file, scratch / "npm-cache", generated, tuple(sorted(named)))


def _json(manifest: Manifest) -> Json:
    platform = manifest.platform
    return {
        "packages": {path: _entry_json(entry) for path, entry in manifest.packages.items()},
        "os": platform.os,
        "cpu": platform.cpu,
        "libc": platform.libc,
        "node": platform.node,
        "npm": platform.npm,
        "lock": str(manifest.lock),
        "packageJson": str(manifest.package_json),
    }


def _entry_json(entry: ManifestEntry) -> Json:
    match entry.origin:
        case FromTarball(file):
            return {**entry.fields, "tarball": file}
        case FromTree(directory):
            return {**entry.fields, "tree": directory}
        case FromDirectory(directory):
            return {**entry.fields, "directory": directory}
        case LinkTo(target):
            return {**entry.fields, "link": target}
        case FromParent():
            return {**entry.fields, "inBundle": True}
        case FromNowhere():
            return entry.fields


def clear(directory: Path, aside: Path) -> None:
    """Let there be no such directory, and nothing on its way to the disk.

    Args:
        directory: It need not exist.
        aside: A directory of the same file system; what is moved there stays there.
    """
    if directory.exists() and _file_system(aside) in _IN_MEMORY:
        shutil.rmtree(directory)
    elif directory.exists():
        directory.rename(Path(tempfile.mkdtemp(dir=aside)) / directory.name)
    subprocess.run(["sync", "-f", str(aside)], check=True)


@functools.cache
def _file_system(directory: Path) -> str:
    command = ["stat", "--file-system", "--format=%T", str(directory)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def unpackers(given: Prepared, scratch: Path) -> dict[str, Contestant]:
    """The contestants without Nix; the tree they are to make is made once, for its archive."""
    tree, out, untarred = scratch / "tree", scratch / "out", scratch / "untarred"
    aside = scratch / "aside"
    aside.mkdir()
    assemble = [sys.executable, "-m", "npm2nixlite.assemble", str(given.manifest)]
    subprocess.run([*assemble, str(tree)], check=True)
    archive = scratch / "tree.tar"
    subprocess.run(["tar", "-C", str(tree), "-cf", str(archive), "."], check=True)
    clear(tree, aside)

    def empty_target() -> None:
        clear(untarred, aside)
        untarred.mkdir()

    npm = ["npm", "ci", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    npm += [f"--cache={given.npm_cache}", f"--prefix={given.project}"]
    return {
        "assemble": Contestant([*assemble, str(out)], lambda: clear(out, aside)),
        "npm ci --offline --ignore-scripts": Contestant(
            npm, lambda: clear(given.project / "node_modules", aside)
        ),
        "tar x": Contestant(["tar", "-C", str(untarred), "-xf", str(archive)], empty_target),
    }


_EXPRESSION = """\
let
  pkgs = import {root}/tests/nix/toolchain.nix {{ nodeVersion = "{node}"; }};
  npm = import {root}/nix {{ inherit pkgs; registry = "{registry}"; }};
  # a name that no run had before, so that there is something to build
  name = "benchmark-${{builtins.readFile {scratch}/run}}";
in
{{
  assembled = npm.mkNodeModules {{
    name = "${{name}}-assembled";
    packages = {scratch}/node-packages.nix;
    lock = {scratch}/package-lock.json;
  }};
  installed = pkgs.stdenv.mkDerivation {{
    name = "${{name}}-installed";
    cache = builtins.storePath "{cache}";
    project = builtins.storePath "{project}";
    buildCommand = ''
      export HOME=$TMPDIR
      cp -R $cache cache; chmod -R u+w cache
      cp $project/package.json $project/package-lock.json .
      npm ci --offline --ignore-scripts --no-audit --no-fund --cache=$PWD/cache
      mkdir $out; mv node_modules $out
    '';
  }};
}}
"""


def builders(given: Prepared, scratch: Path) -> dict[str, Contestant]:
    """The two derivations; what they need is in the store before."""
    store = _Store(scratch / "nix")
    files = []
    for number, (name, tarball) in enumerate(given.tarballs):
        place = scratch / "names" / str(number) / name
        place.parent.mkdir(parents=True)
        shutil.copyfile(tarball, place)
        files.append(str(place))
    for start in range(0, len(files), 400):
        store.run("nix-store", "--add-fixed", "sha512", *files[start : start + 400])
    shutil.rmtree(scratch / "names")
    expression = scratch / "benchmark.nix"
    expression.write_text(
        _EXPRESSION.format(
            root=_ROOT,
            node=installed_versions().node,
            registry=_REGISTRY,
            scratch=scratch,
            cache=store.run("nix-store", "--add", str(given.npm_cache)),
            project=store.run("nix-store", "--add", str(given.project)),
        )
    )
    numbers = itertools.count()

    def next_run() -> None:
        # What the run before made stays: ext4 is slow where files were deleted a moment ago.
        (scratch / "run").write_text(str(next(numbers)))
        subprocess.run(["sync", "-f", str(scratch)], check=True)

    build = [*store.command("nix-build"), "--no-out-link", str(expression), "-A"]
    return {
        "derivation of mkNodeModules": Contestant([*build, "assembled"], next_run),
        "derivation of npm ci --offline": Contestant([*build, "installed"], next_run),
    }


class _Store:
    """Nix on a store of the benchmark's own, sandboxed, without substituters."""

    def __init__(self, root: Path) -> None:
        self.root = root
        settings = {
            "build-users-group": "",
            "sandbox": "true",
            "sandbox-fallback": "false",
            "substituters": "",
            "sandbox-paths": "/bin /usr /lib /lib64",
        }
        self._variables = {
            "NIX_CONFIG": "\n".join(f"{name} = {value}" for name, value in settings.items()),
            "NIX_STORE_DIR": str(root / "store"),
            "NIX_STATE_DIR": str(root / "state"),
            "NIX_LOG_DIR": str(root / "log"),
            "NIX_CONF_DIR": str(root / "conf"),
            "NIX_REMOTE": "",
        }

    def command(self, *arguments: str) -> list[str]:
        """A command with this store's environment."""
        return ["env", *(f"{name}={value}" for name, value in self._variables.items()), *arguments]

    def run(self, *arguments: str) -> str:
        """What a command prints."""
        done = subprocess.run(self.command(*arguments), capture_output=True, check=False, text=True)
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed: {done.stderr}")
        return done.stdout.strip()
