"""What this machine has already is not fetched again, and verified all the same."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.integrity import parse_integrity
from npm2nixlite.store.path import fixed_output_path
from tests.support.projects import Run, environment, locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture
def project(home: Path) -> Path:
    return home / "project"


def generate(home: Path, project: Path, registry: Registry, *arguments: str, **env: str) -> Run:
    return run_program(
        *("generate", project, "--registry", registry.base, "--cache-dir", home / "cache"),
        *("--retries", "0", *arguments),
        home=home,
        **env,
    )


def npm_install(home: Path, registry: Registry, *names: str) -> None:
    """Have npm itself fetch packages into its own cache."""
    directory = home / "other"
    entries = {f"node_modules/{name}": entry(registry, name) for name in names}
    for item in entries.values():
        item["resolved"] = f"{registry.base}{item['name']}/-/{item['name']}-1.0.0.tgz"
    lock = write_lock(directory, entries)
    wanted = '"dependencies": {' + ", ".join(f'"{name}": "*"' for name in names) + "}"
    project_name = '"name": "project"'
    lock.write_text(lock.read_text().replace(project_name, f"{wanted}, {project_name}"))
    (directory / "package.json").write_text(f"{{{project_name}, {wanted}}}")
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--registry", registry.base],
        cwd=directory,
        env=environment(home),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def entry(registry: Registry, name: str, algorithm: str = "sha512") -> dict[str, Any]:
    return locked(name=name, integrity=sri(registry.publish(name), algorithm))


@pytest.mark.npm
def test_what_npm_has_in_its_cache_is_not_fetched(
    home: Path, project: Path, registry: Registry
) -> None:
    npm_install(home, registry, "a", "b")
    packages = {f"node_modules/{name}": entry(registry, name) for name in ("a", "b", "c")}
    packages["node_modules/b"]["resolved"] = f"{registry.base}b/-/b-1.0.0.tgz"
    write_lock(project, packages)
    registry.requests.clear()
    run = generate(home, project, registry, "--json")
    assert run.status == 0, run.stderr
    assert registry.paths() == ["/c/-/c-1.0.0.tgz"]
    assert run.json["fetch"]["fromNpmOrNix"] == 2
    assert run.json["fetch"]["fetched"] == 1
    text = (project / "node-packages.nix").read_text()
    plain = home / "plain"
    write_lock(plain, packages)
    again = run_program(
        *("generate", plain, "--registry", registry.base, "--cache-dir", home / "cache-2"),
        home=home,
        npm_config_cache=str(home / "nothing"),
    )
    assert again.status == 0
    assert (plain / "node-packages.nix").read_text() == text


@pytest.mark.npm
def test_npms_cache_is_no_proof_of_an_address_that_the_lock_omits(
    home: Path, project: Path, registry: Registry
) -> None:
    """The file must not depend on what this machine has."""
    npm_install(home, registry, "a")
    data = registry.publish("a")
    write_lock(project, {"node_modules/a": locked(integrity=sri(data))})
    (home / "moved").mkdir()
    registry.requests.clear()
    other = registry.base.replace("127.0.0.1", "localhost")
    run = run_program(
        *("generate", project, "--registry", other, "--cache-dir", home / "cache"), home=home
    )
    assert run.status == 0, run.stderr
    assert registry.paths() == ["/a/-/a-1.0.0.tgz"]


@pytest.mark.npm
def test_a_damaged_file_in_npms_cache_is_fetched_instead(
    home: Path, project: Path, registry: Registry
) -> None:
    npm_install(home, registry, "a")
    data = registry.publish("a")
    digest = hashlib.sha512(data).hexdigest()
    place = home / ".npm/_cacache/content-v2/sha512" / digest[:2] / digest[2:4] / digest[4:]
    assert place.read_bytes() == data
    place.chmod(0o644)
    place.write_bytes(b"damaged")
    write_lock(project, {"node_modules/a": locked(integrity=sri(data))})
    registry.requests.clear()
    run = generate(home, project, registry)
    assert run.status == 0, run.stderr
    assert registry.paths() == ["/a/-/a-1.0.0.tgz"]


@pytest.mark.parametrize("algorithm", ["sha512", "sha1"])
def test_what_the_nix_store_has_is_not_fetched(
    home: Path, project: Path, registry: Registry, algorithm: str
) -> None:
    data = registry.publish("a")
    integrity = sri(data, algorithm)
    store = home / "store"
    store.mkdir()
    (hashed,) = parse_integrity(integrity)
    path = fixed_output_path("a-1.0.0.tgz", hashed, store_dir=str(store))
    (store / path.base_name).write_bytes(data)
    write_lock(
        project,
        {"node_modules/a": locked(integrity=integrity, resolved=f"{registry.base}a/-/a-1.0.0.tgz")},
    )
    run = generate(home, project, registry, NIX_STORE_DIR=str(store))
    assert run.status == 0, run.stderr
    assert "1 from npm's cache or the Nix store" in run.stdout
    assert registry.connections == 0
    assert sri(data) in (project / "node-packages.nix").read_text()
    (store / path.base_name).write_bytes(b"damaged")
    other = run_program(
        *("generate", project, "--registry", registry.base, "--cache-dir", home / "cache-2"),
        home=home,
        NIX_STORE_DIR=str(store),
    )
    assert other.status == 0
    assert registry.connections == 1


def test_offline_finds_it_there_too(home: Path, project: Path, registry: Registry) -> None:
    data = registry.publish("a")
    digest = hashlib.sha512(data).hexdigest()
    place = home / "npm/_cacache/content-v2/sha512" / digest[:2] / digest[2:4] / digest[4:]
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    url = f"{registry.base}files/a.tgz"
    write_lock(project, {"node_modules/a": locked(integrity=sri(data), resolved=url)})
    (project / ".npmrc").write_text(f"cache={home}/npm\n")
    run = generate(home, project, registry, "--offline")
    assert run.status == 0, run.stderr
    assert registry.connections == 0
