"""Every kind of source that npm can lock, through the command, from real servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.projects import ROOT, Run, locked, run_program, write_lock
from tests.support.registry import Answer, Registry, serve_registry
from tests.support.tarballs import sri, tarball

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.support.nix import Nix


@pytest.fixture
def project(home: Path) -> Path:
    return home / "project"


def generate(home: Path, registry: Registry, *arguments: str | Path, **env: str) -> Run:
    return run_program(
        *("generate", "--registry", registry.base, "--cache-dir", home / "cache"),
        *("--retries", "0", *arguments),
        home=home,
        **env,
    )


def output(project: Path) -> str:
    return (project / "node-packages.nix").read_text()


def realise(nix: Nix, expression: str, *, check: bool = True) -> CompletedProcess[str]:
    """Evaluate an expression, and have the store hold what it names."""
    command = ("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr")
    return nix.run(*command, expression, check=check)


def write_tarball(path: Path, name: str = "local") -> bytes:
    data = tarball(name, "1.0.0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def local_entry(data: bytes, path: str = "vendor/local.tgz") -> dict[str, Any]:
    return {"node_modules/local": locked(resolved=f"file:{path}", integrity=sri(data))}


@pytest.mark.nix
def test_a_local_tarball_is_a_source_with_the_path_that_its_hash_gives(
    home: Path, project: Path, registry: Registry, nix: Nix
) -> None:
    data = write_tarball(project / "vendor/local.tgz")
    write_lock(project, local_entry(data))
    run = generate(home, registry, "--require-canonical", project)
    assert run.status == 0, run.stderr
    assert "canonical = true;" in output(project)
    source = f'"${{(import {project}/node-packages.nix {{ registry = ""; }})'
    source += '.packages."node_modules/local".src}"'
    path = json.loads(realise(nix, source).stdout)
    expected = nix.run("nix-store", "--add-fixed", "sha256", project / "vendor/local.tgz")
    assert path == expected.stdout.strip()
    (project / "vendor/local.tgz").write_bytes(b"changed")
    nix.run("nix-store", "--delete", path)
    failed = realise(nix, source, check=False)
    assert failed.returncode != 0
    assert "mismatch" in failed.stderr


@pytest.mark.nix
@pytest.mark.parametrize("place", ["vendor/a b#1?.tgz", "../beside/local.tar.gz", "x/@s~1.tgz"])
def test_a_local_tarball_may_have_any_name_and_place(
    home: Path, project: Path, registry: Registry, nix: Nix, place: str
) -> None:
    data = write_tarball(project / place)
    write_lock(project, local_entry(data, place))
    out = home / "elsewhere/deep/out.nix"
    out.parent.mkdir(parents=True)
    run = generate(home, registry, project, "-o", out)
    assert run.status == 0, run.stderr
    source = f'"${{(import {out} {{ registry = ""; }}).packages."node_modules/local".src}}"'
    path = json.loads(realise(nix, source).stdout)
    assert nix.run("nix-store", "--query", "--hash", path).stdout.startswith("sha256:")
    assert str(home) not in out.read_text()


def test_the_file_without_local_tarballs_is_the_same_wherever_it_goes(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, {"node_modules/a": locked(integrity=sri(registry.publish("a")))})
    elsewhere = home / "else/where.nix"
    elsewhere.parent.mkdir()
    assert generate(home, registry, project).status == 0
    assert generate(home, registry, project, "-o", elsewhere).status == 0
    assert elsewhere.read_text() == output(project)


def test_a_local_tarball_that_is_not_the_locks_is_refused(
    home: Path, project: Path, registry: Registry
) -> None:
    write_tarball(project / "vendor/local.tgz")
    write_lock(project, local_entry(b"another"))
    run = generate(home, registry, project)
    assert run.status == 3
    assert "vendor/local.tgz: node_modules/local: wrong content" in run.stderr
    (project / "vendor/local.tgz").unlink()
    run = generate(home, registry, project)
    assert run.status == 3
    assert "this local tarball cannot be read" in run.stderr
    assert not (project / "node-packages.nix").exists()


def test_the_fixture_with_a_local_tarball_has_no_blocker(home: Path, registry: Registry) -> None:
    fixture = ROOT / "fixtures/local-tarball"
    entries = json.loads((fixture / "package-lock.json").read_text())["packages"]
    local = {path: entry for path, entry in entries.items() if "resolved" in entry}
    copy = home / "copy"
    write_lock(copy, local)
    write_lock(copy / "x", {})
    for path in fixture.rglob("*.tgz"):
        target = copy / path.relative_to(fixture)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert generate(home, registry, "--require-canonical", copy).status == 0


def test_with_require_canonical_a_blocker_is_status_2_and_nothing_is_written(
    home: Path, project: Path, registry: Registry
) -> None:
    local = {"version": "1.0.0", "resolved": "git+file:///srv/g.git#" + "a" * 40}
    write_lock(project, {"node_modules/g": local})
    assert generate(home, registry, project).status == 0
    (project / "node-packages.nix").unlink()
    run = generate(home, registry, "--require-canonical", project)
    assert run.status == 2
    assert "not canonical, 1 blocker" in run.stderr
    assert "node_modules/g" in run.stderr
    assert not (project / "node-packages.nix").exists()


def test_a_lock_out_of_step_with_package_json_is_refused_before_any_connection(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, {"node_modules/a": locked(integrity=sri(registry.publish("a")))})
    (project / "package.json").write_text('{"dependencies": {"a": "^2.0.0"}}')
    run = generate(home, registry, project)
    assert run.status == 2
    assert "out of step" in run.stderr
    assert "package.json asks for a@^2.0.0, the lock has a@1.0.0" in run.stderr
    assert registry.connections == 0
    assert not (project / "node-packages.nix").exists()


def test_what_package_json_no_longer_asks_for_is_kept_with_a_warning(
    home: Path, project: Path, registry: Registry
) -> None:
    lock = write_lock(
        project,
        {f"node_modules/{n}": locked(integrity=sri(registry.publish(n))) for n in ("a", "b")},
    )
    content = json.loads(lock.read_text())
    content["packages"][""]["dependencies"] = {"a": "1", "b": "1"}
    lock.write_text(json.dumps(content))
    (project / "package.json").write_text('{"dependencies": {"a": "1"}}')
    run = generate(home, registry, "--json", project)
    assert run.status == 0
    assert "package.json no longer asks for b;" in run.stderr
    assert run.json["projects"][0]["dropped"] == ["b"]


@pytest.mark.parametrize(
    "path",
    [
        "/files/a.tgz?token=x&v=1",
        "/files/@s~odd%20name.tgz",
        "/archive/refs/heads/main.tar.gz",
        "/download",
        "/files/" + "n" * 230 + ".tgz",
        "/.hidden.tgz",
    ],
)
@pytest.mark.nix
def test_a_tarball_by_address_may_have_any_address_and_a_redirect_to_another_host(
    home: Path, project: Path, registry: Registry, nix: Nix, path: str
) -> None:
    data = tarball("a", "1.0.0")
    with serve_registry() as other:
        other.answers["/real"] = Answer(body=data)
        target = other.base.replace("127.0.0.1", "localhost") + "real"
        registry.answers[path.replace("%20", " ")] = Answer(302, headers={"Location": target})
        url = registry.base.rstrip("/") + path
        write_lock(project, {"node_modules/a": locked(resolved=url, integrity=sri(data))})
        run = generate(home, registry, "--require-canonical", project)
        assert run.status == 0, run.stderr
        connections = registry.connections, other.connections
        assert generate(home, registry, "--check", project).status == 0
        assert (registry.connections, other.connections) == connections
        expression = f'(import {project}/node-packages.nix {{ registry = ""; }}).sources'
        built = nix.run("nix-build", "--no-out-link", "--expr", expression)
        assert len(built.stdout.split()) == 1


def test_hundreds_of_entries_without_address_and_hash_are_decided_by_the_registry(
    home: Path, project: Path, registry: Registry
) -> None:
    names = [f"p{number}" for number in range(300)]
    published = {name: registry.publish(name) for name in names}
    write_lock(project, {f"node_modules/{name}": locked() for name in names})
    run = generate(home, registry, project)
    assert run.status == 0, run.stderr
    assert "300 packages without a hash in the lock: the registry's metadata decided" in run.stdout
    text = output(project)
    assert all(sri(data) in text for data in published.values())
    connections = registry.connections
    assert generate(home, registry, "--check", project).status == 0
    assert registry.connections == connections


def test_gaps_that_real_locks_have_are_filled(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    url = f"{registry.base}a/-/a-1.0.0.tgz"
    registry.publish("b")
    write_lock(
        project,
        {
            "node_modules/a": locked(resolved=url, integrity=sri(data, "sha1")),
            "node_modules/b": locked(resolved=False),
            "node_modules/b/node_modules/a": locked(resolved=url, integrity=sri(data)),
            "node_modules/c": {"optional": True},
            # aliases in a circle: each under the other's name
            "node_modules/x": locked(name="y", integrity=sri(registry.publish("y"))),
            "node_modules/y": locked(name="x", integrity=sri(registry.publish("x"))),
        },
    )
    run = generate(home, registry, "--json", "--require-canonical", project)
    assert run.status == 0, run.stderr
    (state,) = run.json["projects"]
    assert state["leftOut"] == ["node_modules/c"]
    assert run.json["fetch"]["packages"] == 4
    assert run.json["fetch"]["hashFromRegistry"] == ["b@1.0.0"]
    assert output(project).count(sri(data)) == 2


def test_one_address_with_two_contents_is_refused_and_the_install_path_is_named(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    url = f"{registry.base}a/-/a-1.0.0.tgz"
    write_lock(
        project,
        {
            "node_modules/a": locked(resolved=url, integrity=sri(data)),
            "node_modules/b/node_modules/a": locked(resolved=url, integrity=sri(b"other")),
        },
    )
    run = generate(home, registry, project)
    assert run.status == 3
    assert "a@1.0.0 (node_modules/a): wrong content" in run.stderr
    assert "the lock gives this address 2 different sha512" in run.stderr
    assert "node_modules/b/node_modules/a" in run.stderr


@pytest.mark.parametrize(
    "fixture", ["workspace", "link", "bundled", "bundled-by-root", "v1-nesting", "alias"]
)
def test_directories_links_workspaces_and_bundles_block_nothing(home: Path, fixture: str) -> None:
    run = run_program(
        *("generate", "--check", "--json", "--trust-lock", "--require-canonical"),
        *("--registry", "http://registry.invalid/", ROOT / "fixtures" / fixture),
        home=home,
    )
    assert run.status in {1, 3}, run.stderr  # the hash of some package is not in the lock
    assert "not canonical" not in run.stderr
