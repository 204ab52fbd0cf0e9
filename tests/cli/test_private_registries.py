"""Registries behind tokens and paths; and where no secret may ever go."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.private import (
    SECRET,
    assert_nowhere,
    base64_of,
    basic,
    demand,
    generate,
    place,
    publish,
)
from tests.support.certificates import Authority, make_authority
from tests.support.projects import Run, environment, locked, write_lock
from tests.support.registry import Answer, Registry, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.nix import Nix


@pytest.fixture
def project(home: Path) -> Path:
    (home / "project").mkdir()
    return home / "project"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ("{place}:_authToken=secretvalue", "Bearer secretvalue"),
        ("{place}:_authToken=${{TOKEN}}", "Bearer secretvalue"),
        (f"{{place}}:_auth={base64_of('me:secretvalue')}", basic("me:secretvalue")),
        (
            f"{{place}}:username=me\n{{place}}:_password={base64_of('secretvalue')}",
            basic("me:secretvalue"),
        ),
        ("always-auth=true\n{place}:_authToken=secretvalue", "Bearer secretvalue"),
    ],
)
def test_a_registry_that_demands_credentials_gets_those_that_npmrc_gives(
    home: Path, project: Path, registry: Registry, settings: str, header: str
) -> None:
    write_lock(project, publish(registry))
    demand(registry, header)
    npmrc = project / ".npmrc"
    npmrc.write_text(f"registry={registry.base}\n")
    refused = generate(home, project)
    assert refused.status == 3
    assert f"//{place(registry).strip('/')}/:_authToken=" in refused.stderr
    npmrc.write_text(f"registry={registry.base}\n{settings.format(place=place(registry))}\n")
    run = generate(home, project, "--json", "--debug", TOKEN="secretvalue")
    assert run.status == 0, run.stderr
    connections = registry.connections
    again = generate(home, project, "-v", TOKEN="secretvalue")
    assert again.status == 0
    assert registry.connections == connections
    assert_nowhere("secretvalue", home, run, again, refused)


def test_a_mirror_below_a_path_serves_metadata_and_tarballs_from_there(
    home: Path, project: Path
) -> None:
    with serve_registry("/company/npm/mirror/") as mirror:
        data = mirror.publish("@s/a", path="/company/npm/mirror/@s/a/-/a-1.0.0.tgz")
        mirror.packages["company/npm/mirror/@s/a"] = mirror.packages["@s/a"]
        dist = mirror.packages["@s/a"]["versions"]["1.0.0"]["dist"]
        dist["tarball"] = f"{mirror.base}@s/a/-/a-1.0.0.tgz"
        write_lock(project, {"node_modules/@s/a": locked()})
        (project / ".npmrc").write_text(
            f"registry={mirror.base}\n{place(mirror)}:_authToken={SECRET}\n"
        )
        run = generate(home, project)
        assert run.status == 0, run.stderr
        assert {r.headers.get("Authorization") for r in mirror.requests} == {f"Bearer {SECRET}"}
        text = (project / "node-packages.nix").read_text()
        assert 'path = "@s/a/-/a-1.0.0.tgz"' in text
        assert sri(data) in text
        assert_nowhere(SECRET, home, run)


def test_a_scope_has_its_registry_and_its_token_and_neither_gets_the_others(
    home: Path, project: Path, registry: Registry
) -> None:
    with serve_registry() as scoped:
        write_lock(project, {**publish(registry, "a"), **publish(scoped, "@s/b")})
        (project / ".npmrc").write_text(
            f"registry={registry.base}\n@s:registry={scoped.base}\n"
            f"{place(registry)}:_authToken=main{SECRET}\n{place(scoped)}:_authToken=scope{SECRET}\n"
        )
        run = generate(home, project)
        assert run.status == 0, run.stderr
        assert [r.headers["Authorization"] for r in registry.requests] == [f"Bearer main{SECRET}"]
        assert [r.headers["Authorization"] for r in scoped.requests] == [f"Bearer scope{SECRET}"]
        assert_nowhere(SECRET, home, run)


def test_the_registrys_credentials_hold_for_its_whole_host_as_they_do_for_npm(
    home: Path, project: Path
) -> None:
    with serve_registry("/api/npm/") as registry:
        data = registry.publish("a", path="/files/a.tgz")
        demand(registry, f"Bearer {SECRET}")
        url = registry.base.replace("/api/npm/", "/files/a.tgz")
        write_lock(project, {"node_modules/a": locked(resolved=url, integrity=sri(data))})
        (project / ".npmrc").write_text(
            f"registry={registry.base}\n{place(registry)}:_authToken={SECRET}\n"
        )
        assert generate(home, project).status == 0


def test_a_token_never_reaches_another_host_port_or_scheme(
    home: Path, project: Path, registry: Registry, authority: Authority
) -> None:
    """By a redirect, a lock's address, the metadata's address, or a downgrade to http."""
    with serve_registry() as other, serve_registry(tls=authority.server_context()) as secure:
        entries = publish(registry, "a")
        target = f"{other.base}a.tgz"  # another port is another place
        other.answers["/a.tgz"] = registry.answers["/a/-/a-1.0.0.tgz"]
        registry.answers["/a/-/a-1.0.0.tgz"] = Answer(302, headers={"Location": target})
        entries |= publish(other, "b")
        other.answers["/b.tgz"] = other.answers["/b/-/b-1.0.0.tgz"]
        entries["node_modules/b"]["resolved"] = f"{other.base}b.tgz"
        other.publish("c")
        registry.packages["c"] = other.packages["c"]
        entries["node_modules/c"] = locked()
        # https to http on the very same host and port: what answers there speaks TLS only
        downgraded = secure.base.replace("https:", "http:")
        entries |= publish(secure, "d")
        entries["node_modules/d"]["resolved"] = f"{secure.base}d.tgz"
        other.answers["/d.tgz"] = secure.answers["/d/-/d-1.0.0.tgz"]
        secure.answers["/d.tgz"] = Answer(302, headers={"Location": f"{other.base}d.tgz"})
        write_lock(project, entries)
        (project / ".npmrc").write_text(
            f"registry={registry.base}\n{place(registry)}:_authToken={SECRET}\n"
            f"{place(secure)}:_authToken={SECRET}\ncafile={authority.ca}\n"
        )
        run = generate(home, project)
        assert run.status == 0, run.stderr
        for served in (registry, secure):
            assert {r.headers.get("Authorization") for r in served.requests} == {f"Bearer {SECRET}"}
        assert sorted(other.paths()) == ["/a.tgz", "/b.tgz", "/c/-/c-1.0.0.tgz", "/d.tgz"]
        assert all("Authorization" not in request.headers for request in other.requests)
        assert_nowhere(SECRET, home, run)
        write_lock(project, {"node_modules/e": locked(resolved=f"{downgraded}e.tgz")})
        failed = generate(home, project)
        assert failed.status == 3
        assert_nowhere(SECRET, home, failed)


def test_a_redirect_from_https_to_http_on_the_same_name_takes_no_token_along(
    home: Path, project: Path, authority: Authority
) -> None:
    with serve_registry() as plain, serve_registry(tls=authority.server_context()) as secure:
        entries = publish(secure)
        plain.answers["/a.tgz"] = secure.answers["/a/-/a-1.0.0.tgz"]
        secure.answers["/a/-/a-1.0.0.tgz"] = Answer(302, headers={"Location": f"{plain.base}a.tgz"})
        write_lock(project, entries)
        (project / ".npmrc").write_text(
            f"registry={secure.base}\ncafile={authority.ca}\n"
            # given for the plain address, too: it is not configured as a registry
            f"{place(secure)}:_authToken={SECRET}\n{place(plain)}:_authToken={SECRET}\n"
        )
        run = generate(home, project)
        assert run.status == 0, run.stderr
        assert plain.paths() == ["/a.tgz"]
        assert "Authorization" not in plain.requests[0].headers


def test_an_address_with_credentials_is_refused_and_they_are_not_shown(
    home: Path, project: Path
) -> None:
    url = f"https://me:{SECRET}@h.example/a.tgz"
    write_lock(project, {"node_modules/a": locked(resolved=url)})
    run = generate(home, project, "--json")
    assert run.status == 2
    assert_nowhere_but_the_lock(run)


def assert_nowhere_but_the_lock(run: Run) -> None:
    assert SECRET not in run.stdout + run.stderr


@pytest.mark.nix
def test_nix_builds_from_a_private_registry_with_netrc_and_the_secret_stays_out_of_the_store(
    home: Path, project: Path, registry: Registry, nix: Nix
) -> None:
    """The README's way, from .npmrc to a build."""
    write_lock(project, publish(registry))
    demand(registry, basic("me:secretvalue"))
    (project / ".npmrc").write_text(
        f"registry={registry.base}\n{place(registry)}:username=me\n"
        f"{place(registry)}:_password={base64_of('secretvalue')}\n"
    )
    assert generate(home, project).status == 0
    netrc = home / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secretvalue\n")
    expression = f'(import {project}/node-packages.nix {{ registry = "{registry.base}"; }}).sources'
    build = ("nix-build", "--no-out-link", "--expr", expression)
    assert nix.run(*build, check=False).returncode != 0
    built = nix.run(*build, "--option", "netrc-file", netrc)
    assert Path(built.stdout.strip()).read_bytes()
    for file in (nix.root / "store").rglob("*"):
        if file.is_file():
            assert b"secretvalue" not in file.read_bytes()


@pytest.mark.npm
def test_npm_sends_the_same_credentials_to_the_same_places(home: Path, project: Path) -> None:
    """What npm ci asked, and with which Authorization, against what this program asks."""
    asked: list[set[tuple[str, str | None]]] = []
    for program in ("npm", "npm2nixlite"):
        with serve_registry("/npm/") as registry, serve_registry() as other:
            data = registry.publish("a", path="/npm/a/-/a-1.0.0.tgz")
            beside = registry.publish("b", path="/files/b.tgz")
            elsewhere = other.publish("c")
            base = registry.base
            entries = {
                "a": locked(resolved=f"{base}a/-/a-1.0.0.tgz", integrity=sri(data)),
                "b": locked(resolved=base.replace("/npm/", "/files/b.tgz"), integrity=sri(beside)),
                "c": locked(resolved=f"{other.base}c/-/c-1.0.0.tgz", integrity=sri(elsewhere)),
            }
            directory = project / program
            lock = write_lock(directory, {f"node_modules/{n}": e for n, e in entries.items()})
            wanted = '"dependencies": {"a": "*", "b": "*", "c": "*"}'
            lock.write_text(
                lock.read_text().replace('"name": "project"', f'{wanted}, "name": "project"')
            )
            (directory / "package.json").write_text(f'{{"name": "project", {wanted}}}')
            (directory / ".npmrc").write_text(
                f"registry={base}\n{place(registry)}:_authToken={SECRET}\n"
            )
            if program == "npm":
                done = subprocess.run(
                    ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-update-notifier"],
                    cwd=directory,
                    # not where this program would find what npm has fetched
                    env=environment(home, npm_config_cache=str(home / "npm")),
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, done.stderr
            else:
                run = generate(home, directory)
                assert run.status == 0, run.stderr
            requests = [*registry.requests, *other.requests]
            asked.append(
                {
                    (r.path, r.headers.get("Authorization") or r.headers.get("authorization"))
                    for r in requests
                }
            )
    assert asked[0] == asked[1]
