"""Add a release of mempool to this directory, or make the files of all known ones anew.

    python nix/mempool/release.py check
    python nix/mempool/release.py add 3.4.0
    python nix/mempool/release.py regenerate

A release is a directory below `releases/`:

    release.json             version, source and its hash, Node.js, languages, logos, mining pools
    backend-packages.nix     generated from the backend's lock
    frontend-packages.nix    generated from the frontend's lock
    rust-gbt-packages.nix    the one npm package that builds rust-gbt (since 3.0.0)
    rust-gbt-crates.json     the crates in rust-gbt's Cargo.lock (since 3.0.0)

Needs Nix, git, npm's configuration for the registry, and the network. `check` prints the releases
that are newer than all known ones, and exits with 1 where there are any. `regenerate` keeps what is
pinned and fails where a source no longer has its hash.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RELEASES = HERE / "releases"
ROOT = HERE.parent.parent
FORGE = "https://github.com"
OWNER = "mempool"


class ReleaseError(Exception):
    """What keeps a release from being added, with what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0, 1 where `check` found releases, or 2 with a message on stderr."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="add a release, or replace it")
    add.add_argument("version", help="as in its tag, with or without the v")
    check = commands.add_parser(
        "check", help="whether there is a release newer than the known ones"
    )
    again = commands.add_parser("regenerate", help="make the files of all known releases anew")
    for command in (add, again):
        command.add_argument(
            "--source",
            type=Path,
            metavar="DIR",
            help="unpacked sources, one directory v<version> each, instead of downloading them",
        )
    for command in (add, again, check):
        command.add_argument(
            "--releases", type=Path, default=RELEASES, metavar="DIR", help="where they are"
        )
    check.add_argument(
        "--forge", default=FORGE, metavar="URL", help=f"where {OWNER}/mempool is; {FORGE}"
    )
    add.add_argument("--commit", help="the tag's commit, instead of asking the forge")
    add.add_argument("--logos", help="commit of mining-pool-logos, instead of the newest")
    add.add_argument("--pools", help="commit of mining-pools, instead of the newest")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "check":
            newer = newer_releases(chosen.forge, chosen.releases)
            sys.stdout.writelines(f"{version}\n" for version in newer)
            return 1 if newer else 0
        if chosen.command == "add":
            version = chosen.version.removeprefix("v")
            commits = {"mining-pool-logos": chosen.logos, "mining-pools": chosen.pools}
            pinned, source = pin(version, chosen.source, chosen.commit, commits)
            write_release(chosen.releases / version, source, pinned)
        else:
            for file in sorted(chosen.releases.glob("*/release.json")):
                pinned = json.loads(file.read_text())
                write_release(file.parent, pinned_source(pinned, file, chosen.source), pinned)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n{getattr(error, 'stderr', None) or ''}")
        return 2
    return 0


def newer_releases(forge: str, releases: Path) -> list[str]:
    """The releases on the forge that are newer than all known ones, the oldest first.

    A release has a tag of three numbers; what has more (`v3.4.0-alpha1`) is none.
    """
    lines = run("git", "ls-remote", "--tags", f"{forge}/{OWNER}/mempool").splitlines()
    tags = [line.rpartition("refs/tags/")[2].removesuffix("^{}") for line in lines]
    tagged = {numbers(tag) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)}
    known = [numbers(directory.parent.name) for directory in releases.glob("*/release.json")]
    newest = max(known, default=())
    return [".".join(map(str, version)) for version in sorted(tagged) if version > newest]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, with or without the v."""
    return tuple(int(number) for number in version.removeprefix("v").split("."))


def pin(
    version: str, sources: Path | None, commit: str | None, commits: dict[str, str | None]
) -> tuple[dict[str, Any], Path]:
    """What a release is made from, with hashes; and its source.

    Args:
        version: Without the v.
        sources: Unpacked sources, instead of downloading them.
        commit: The tag's commit, instead of asking the forge.
        commits: Repository of an asset → its commit; None is the newest.
    """
    tag = f"v{version}"
    source, source_hash = obtain("mempool", tag, f"refs/tags/{tag}", sources)
    # An annotated tag is an object of its own; ^{} is what it is of.
    commit = commit or commit_of("mempool", f"refs/tags/{tag}^{{}}", f"refs/tags/{tag}")
    return {
        "version": version,
        "source": {
            "owner": OWNER,
            "repo": "mempool",
            "rev": tag,
            "commit": commit,
            "hash": source_hash,
        },
        "miningPoolLogos": asset("mining-pool-logos", commits["mining-pool-logos"], sources),
        "miningPools": asset("mining-pools", commits["mining-pools"], sources),
    }, source


def asset(repo: str, commit: str | None, sources: Path | None) -> dict[str, str]:
    """A repository of mempool's at a commit, as `fetchFromGitHub` takes it."""
    rev = commit or commit_of(repo, "HEAD")
    _, found = obtain(repo, rev, rev, sources)
    return {"owner": OWNER, "repo": repo, "rev": rev, "hash": found}


def pinned_source(pinned: dict[str, Any], file: Path, sources: Path | None) -> Path:
    """A known release's source, which must be what it was."""
    rev, expected = pinned["source"]["rev"], pinned["source"]["hash"]
    source, found = obtain("mempool", rev, f"refs/tags/{rev}", sources)
    if found != expected:
        raise ReleaseError(
            f"The source of {rev} has the hash {found}, not {expected} as in\n"
            f"{file}. If the tag moved for a good reason, use 'add'."
        )
    return source


def write_release(directory: Path, source: Path, pinned: dict[str, Any]) -> None:
    """Write the files of a release whose source is at hand."""
    directory.mkdir(parents=True, exist_ok=True)
    for project in ("backend", "frontend"):
        generate(source / project, directory / f"{project}-packages.nix")
    kept = ("version", "source", "miningPoolLogos", "miningPools")
    release = {name: pinned[name] for name in kept}
    release |= {"nodejs": node_major(source), "languages": languages(source)}
    rust_gbt = source / "rust" / "gbt"
    if rust_gbt.is_dir():
        release["rustGbt"] = {"napiCli": "node_modules/@napi-rs/cli"}
        generate_single("@napi-rs/cli", napi_version(rust_gbt), directory)
        items = ",\n".join(json.dumps(crate) for crate in crates(rust_gbt / "Cargo.lock"))
        (directory / "rust-gbt-crates.json").write_text(f"[\n{items}\n]\n")
    (directory / "release.json").write_text(json.dumps(release, indent=2) + "\n")
    sys.stdout.write(f"{directory}: written\n")


def obtain(repo: str, rev: str, ref: str, sources: Path | None) -> tuple[Path, str]:
    """A repository's files at a revision, and their hash as `fetchFromGitHub` wants it."""
    if sources is not None:
        path = (sources / (rev if repo == "mempool" else repo)).resolve()
    else:
        address = f"{FORGE}/{OWNER}/{repo}/archive/{ref}.tar.gz"
        printed = run("nix-prefetch-url", "--unpack", "--print-path", "--name", "source", address)
        path = Path(printed.split()[-1])
    if not path.is_dir():
        raise ReleaseError(f"There is no source of {repo} {rev} at {path}.")
    hashed = run("nix", "--extra-experimental-features", "nix-command", "hash", "path", str(path))
    return path, hashed.strip()


def commit_of(repo: str, *refs: str) -> str:
    """What the first of the refs that there is names."""
    lines = run("git", "ls-remote", f"{FORGE}/{OWNER}/{repo}", *refs).splitlines()
    found = {name: commit for commit, name in (line.split() for line in lines)}
    for ref in refs:
        if ref in found:
            return found[ref]
    raise ReleaseError(f"{OWNER}/{repo} has none of: {', '.join(refs)}.")


def generate(project: Path, output: Path) -> None:
    """Translate a lock; the file names no registry."""
    run(
        sys.executable,
        "-m",
        "npm2nixlite",
        "generate",
        str(project),
        "--omit-registry-resolved",
        "-o",
        str(output),
    )


def generate_single(package: str, version: str, directory: Path) -> None:
    """Translate a lock that has one package."""
    with tempfile.TemporaryDirectory() as temporary:
        lock = {
            "name": "rust-gbt",
            "lockfileVersion": 3,
            "packages": {
                "": {"name": "rust-gbt", "dependencies": {package: version}},
                f"node_modules/{package}": {"version": version},
            },
        }
        (Path(temporary) / "package-lock.json").write_text(json.dumps(lock))
        generate(Path(temporary), directory / "rust-gbt-packages.nix")


def node_major(source: Path) -> int:
    """The major version in `.nvmrc`, or else the least that the backend's engines name."""
    nvmrc = source / ".nvmrc"
    wanted = nvmrc.read_text() if nvmrc.exists() else ""
    if not re.search(r"\d", wanted):
        package = json.loads((source / "backend" / "package.json").read_text())
        wanted = package.get("engines", {}).get("node", "")
    found = re.search(r"\d+", wanted)
    if found is None:
        raise ReleaseError(f"Neither .nvmrc nor engines in {source} says which Node.js to use.")
    return int(found[0])


def languages(source: Path) -> list[str]:
    """The languages that the pages are built in, but for the one of their source, en-US."""
    project = json.loads((source / "frontend" / "angular.json").read_text())["projects"]["mempool"]
    return sorted(project["i18n"]["locales"])


def napi_version(rust_gbt: Path) -> str:
    """The version of @napi-rs/cli that rust-gbt's build script installs."""
    script = json.loads((rust_gbt / "package.json").read_text())["scripts"]["build"]
    found = re.search(r"@napi-rs/cli@([0-9][^\s]*)", script)
    if found is None:
        raise ReleaseError(
            f"The build script in {rust_gbt / 'package.json'} names no version of @napi-rs/cli:\n"
            f"{script}\nrust-gbt.nix may have to build this release in another way."
        )
    return found[1]


def crates(lock: Path) -> list[dict[str, str]]:
    """What has to be fetched of a Cargo.lock."""
    packages = tomllib.loads(lock.read_text())["package"]
    fetched = [package for package in packages if "source" in package]
    for package in fetched:
        if "checksum" not in package:
            raise ReleaseError(f"{package['name']} in {lock} has no checksum: is it from git?")
    return [
        {"name": package["name"], "version": package["version"], "sha256": package["checksum"]}
        for package in fetched
    ]


def run(*command: str) -> str:
    """A command's output."""
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main())
