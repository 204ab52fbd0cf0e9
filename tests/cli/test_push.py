"""``npm2nixlite push`` as its users run it: to real caches, and from them into empty stores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.binarycache.places import Place, nginx, place, s3
from tests.cli.caches import Project, generated, told
from tests.support.nix import NixElsewhere
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

__all__ = ["place"]
pytestmark = pytest.mark.nix


@pytest.fixture
def project(home: Path, registry: Registry) -> Project:
    return generated(home, registry, packages=5)


@pytest.fixture
def nix(tmp_path: Path) -> NixElsewhere:
    return NixElsewhere(tmp_path / "first")


def closure(nix: NixElsewhere) -> tuple[str, list[str]]:
    """A path in the store that refers to another; and both."""
    text = 'builtins.toFile "outer" "see ${builtins.toFile "inner" "x"}"'
    outer = nix.line("nix-instantiate", "--eval", "--read-write-mode", "--expr", text).strip('"')
    return outer, nix("nix-store", "--query", "--requisites", outer).decode().split()


def test_tarballs_go_up_without_nix_and_a_second_empty_store_builds_from_there(
    project: Project, place: Place, nix: NixElsewhere, registry: Registry, tmp_path: Path
) -> None:
    no_nix = {**place.environment, "PATH": str(tmp_path)}
    run = project.run("push", "--to", place.address, project.directory, **no_nix)
    assert run.status == 0, run.stderr
    assert "5 packages fetched" in run.stdout
    assert "5 tarballs: 5 sent (2.0 MB), 0 there already" in run.stdout
    requests = len(registry.requests)
    again = project.run("push", "--to", place.address, project.file, "--json", **no_nix)
    [store] = again.json["stores"]
    assert store["tarballs"] == {
        "present": 5,
        "upstream": 0,
        "amended": 0,
        "sent": 0,
        "sentBytes": 0,
        "mismatches": [],
        "otherBuilds": [],
    }
    assert len(registry.requests) == requests
    second = nix.with_config(f"substituters = {place.for_nix}")
    assert sorted(project.build(second)) == project.paths
    assert set(told(nix, place.for_nix, project.paths)) == set(project.paths)
    second("nix-store", "--verify", "--check-contents")


def test_after_generate_a_push_asks_the_registry_for_nothing(
    home: Path, project: Project, registry: Registry
) -> None:
    made = project.run("generate", project.directory)
    assert made.status == 0, made.stderr
    connections = registry.connections
    run = project.run("push", "--to", f"file://{home}/store", project.directory)
    assert run.status == 0, run.stderr
    assert "5 sent" in run.stdout
    assert registry.connections == connections


@pytest.mark.parametrize("compression", ["none", "zstd", "xz"])
def test_tarballs_can_be_compressed_and_signed(
    project: Project, place: Place, nix: NixElsewhere, tmp_path: Path, compression: str
) -> None:
    key = tmp_path / "key"
    key.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "cache.example-1"))
    public = nix.line("sh", "-c", f"nix key convert-secret-to-public < {key}")
    options = ("--compression", compression, "--key-file", key)
    run = project.run("push", "--to", place.address, project.file, *options, **place.environment)
    assert run.status == 0, run.stderr
    verify = ("nix", "store", "verify", "--store", place.for_nix, "--sigs-needed", "1")
    nix(*verify, "--trusted-public-keys", public, *project.paths)
    second = nix.with_config(f"substituters = {place.for_nix}")
    assert sorted(project.build(second)) == project.paths


def test_a_dry_run_sends_nothing_and_fetches_nothing(
    project: Project, place: Place, registry: Registry
) -> None:
    to = ("--to", place.address, project.file)
    before = project.run("push", *to, "--dry-run", **place.environment)
    assert before.status == 0, before.stderr
    assert "5 tarballs: 0 to send, 0 to amend, 0 there already" in before.stdout
    assert "5 more tarballs would have to be fetched" in before.stdout
    assert not registry.requests
    project.run("prime", project.file, "--dry-run")
    project.run("push", "--to", f"file://{project.home}/other", project.file)
    dry = project.run("push", *to, "--dry-run", "--json", **place.environment)
    assert sorted(dry.json["stores"][0]["tarballs"]["toSend"]) == project.paths
    real = project.run("push", *to, "--json", **place.environment)
    assert real.json["stores"][0]["tarballs"]["sent"] == 5


def test_store_paths_go_with_their_closure_and_substitute_elsewhere(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    outer, both = closure(nix)
    (project.home / "result").symlink_to(outer)
    key = tmp_path / "key"
    key.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "cache.example-1"))
    cache = f"file://{tmp_path}/cache"
    to = ("--to", cache, "--key-file", key, "./result")
    dry = project.run("push", *to, "--dry-run", "--json", **nix.environment)
    assert dry.status == 0, dry.stderr
    assert sorted(dry.json["stores"][0]["closures"]["toSend"]) == sorted(both)
    assert not (tmp_path / "cache").exists()
    run = project.run("push", *to, project.file, "--progress", **nix.environment)
    assert run.status == 0, run.stderr
    assert "2 store paths: 2 sent" in run.stdout
    assert "5 tarballs: 5 sent" in run.stdout
    assert "sending" in run.stderr
    for entry in told(nix, cache, both).values():
        assert len(entry["signatures"]) == 1  # type: ignore[arg-type]
    assert "Compression: zstd" in next((tmp_path / "cache").glob(f"{outer[11:43]}*")).read_text()
    second = nix.elsewhere(tmp_path / "second").with_config(f"substituters = {cache}")
    second("nix-store", "--realise", outer)
    assert second.file(outer).read_text().startswith("see /nix/store/")
    again = project.run("push", *to, "--json", **nix.environment)
    [closures] = [store["closures"] for store in again.json["stores"]]
    assert (closures["present"], closures["sent"]) == (2, 0)


def test_a_closure_goes_to_s3_whatever_nix_was_built_with(
    project: Project, nix: NixElsewhere
) -> None:
    path, both = closure(nix)
    with s3() as place:
        environment = nix.environment | place.environment
        run = project.run("push", "--to", place.address, path, **environment)
        assert run.status == 0, run.stderr
        told(nix, place.for_nix, both)


def test_other_stores_get_tarballs_through_nix(
    project: Project, nix: NixElsewhere, tmp_path: Path, registry: Registry
) -> None:
    other = tmp_path / "other"
    run = project.run("push", "--to", other, project.file, **nix.environment)
    assert run.status == 0, run.stderr
    assert "5 store paths: 5 copied" in run.stdout
    registry.answers.clear()
    assert sorted(project.build(nix.elsewhere(other))) == project.paths


def test_a_store_behind_ssh_gets_tarballs_and_closures(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    """The remote machine is this one, and ssh a stand-in that runs what it is told to here."""
    programs, remote = tmp_path / "programs", nix.elsewhere(tmp_path / "remote")
    programs.mkdir()
    settings = " ".join(f"{name}='{value}'" for name, value in remote.environment.items())
    ssh = programs / "ssh"
    ssh.write_text(f"#!/bin/sh\nexport {settings}\nexec nix-daemon --stdio\n")
    ssh.chmod(0o755)
    outer, both = closure(nix)
    environment = {**nix.environment, "PATH": f"{programs}:{os.environ['PATH']}"}
    to = ("--to", "ssh-ng://builder.example", project.file, outer)
    run = project.run("push", *to, **environment)
    assert run.status == 0, run.stderr
    assert "7 store paths: 7 copied" in run.stdout
    remote("nix-store", "--check-validity", *both, *project.paths)
    remote("nix-store", "--verify", "--check-contents")


def test_what_is_not_in_the_local_store_is_refused(project: Project, nix: NixElsewhere) -> None:
    path = f"/nix/store/{'0' * 32}-absent"
    run = project.run("push", "--to", f"file://{project.home}/c", path, **nix.environment)
    assert run.status == 2
    assert path in run.stderr
    assert "build it first" in run.stderr


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ("ftp://cache.example", "Nix knows no such store"),
        ("nonsense", "Nix knows no such store"),
        ("file://relative/path", "three slashes"),
        ("s3://bucket/below", "names a bucket and no more"),
        ("https://cache.example?compression=xz", "a parameter 'compression'"),
        ("http://", "names no host"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_before_anything_is_fetched(
    project: Project, nix: NixElsewhere, registry: Registry, store: str, says: str
) -> None:
    run = project.run("push", "--to", store, project.file, **nix.environment)
    assert run.status == 2
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert not registry.requests


def test_what_is_neither_file_nor_store_path_is_refused(project: Project) -> None:
    run = project.run("push", "--to", "file:///nowhere", "absent")
    assert run.status == 2
    assert "absent: there is neither such a file nor such a store path" in run.stderr
    run = project.run("push", "--to", "file:///nowhere", project.home)
    assert run.status == 2
    assert "make one with 'npm2nixlite generate'" in run.stderr


def test_a_token_goes_along_with_tarballs_and_closures(
    project: Project, tmp_path: Path, nix: NixElsewhere
) -> None:
    (project.home / "token").write_text("t0ken\n")
    guard = 'if ($http_authorization != "Bearer t0ken") { return 403; } '
    location = guard + "dav_methods PUT; create_full_put_path on;"
    with nginx(tmp_path / "server", location=location) as place:
        to = ("--to", place.address)
        assert project.run("push", *to, project.file).status == 4
        run = project.run("push", *to, project.file, "--token-file", "token")
        assert run.status == 0, run.stderr
        path, _ = closure(nix)
        run = project.run("push", *to, path, "--token-file", "token", **nix.environment)
        assert run.status == 0, run.stderr
        assert "2 store paths: 2 sent" in run.stdout


def test_nginx_set_up_as_the_documentation_has_it_serves_all_and_takes_from_some(
    project: Project, tmp_path: Path, nix: NixElsewhere
) -> None:
    text = (ROOT / "docs/binary-cache.md").read_text()
    block = text.partition("```nginx\n")[2].partition("```")[0]
    location = block.partition("location / {")[2].rpartition("}")[0].rpartition("}")[0]
    (tmp_path / "users").write_text("push:{PLAIN}it\n")
    location = location.replace("/etc/nginx/cache-users", str(tmp_path / "users"))
    with nginx(tmp_path / "server", location=location) as place:
        run = project.run("push", "--to", place.address, project.file)
        assert run.status == 4
        assert "answered 401" in run.stderr
        (project.home / ".netrc").write_text("machine 127.0.0.1 login push password it\n")
        run = project.run("push", "--to", place.address, project.file)
        assert run.status == 0, run.stderr
        second = nix.with_config(f"substituters = {place.for_nix}")
        assert sorted(project.build(second)) == project.paths


@pytest.mark.parametrize(
    ("library", "extra", "options"),
    [
        ("aiobotocore", "s3", ("--to", "s3://bucket")),
        ("zstandard", "push", ("--to", "file:///nowhere", "--compression", "zstd")),
        ("cryptography", "push", ("--to", "file:///nowhere", "--key-file", "key")),
    ],
)
def test_a_library_that_is_missing_is_named_with_what_installs_it(
    project: Project, tmp_path: Path, library: str, extra: str, options: tuple[str, ...]
) -> None:
    (project.home / "key").write_text(f"cache.example-1:{'A' * 86}==")
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules['{library}'] = None\n")
    path = f"{tmp_path}:{ROOT}"
    run = project.run("push", *options, project.file, PYTHONPATH=path)
    assert run.status == 2, run.stderr
    assert f"'{library}'" in run.stderr
    assert f"pip install 'npm2nixlite[{extra}]'" in run.stderr


def test_a_key_that_is_none_is_refused_and_not_shown(project: Project) -> None:
    (project.home / "key").write_text("cache.example-1:c2VjcmV0")
    run = project.run("push", "--to", "file:///nowhere", project.file, "--key-file", "key")
    assert run.status == 2
    assert "this is no secret signing key" in run.stderr
    assert "c2VjcmV0" not in run.stderr


def test_help_is_worth_reading(project: Project) -> None:
    run = project.run("push", "--help", COLUMNS="100")
    assert run.status == 0
    for option in ("--dry-run", "--compression", "--key-file", "--jobs", "--retries", "--offline"):
        assert option in run.stdout
