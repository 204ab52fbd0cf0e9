"""Registries behind tokens, certificates, proxies and paths; and where no secret may ever go."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.certificates import Authority, make_authority
from tests.support.projects import Run, environment, locked, run_program, write_lock
from tests.support.proxy import serve_proxy
from tests.support.registry import Answer, Registry, Request, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.nix import Nix

SECRET = "npm_verySecretToken"


@pytest.fixture
def project(home: Path) -> Path:
    (home / "project").mkdir()
    return home / "project"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


def generate(home: Path, project: Path, *arguments: str | Path, **env: str) -> Run:
    return run_program(
        *("generate", project, "--cache-dir", home / "cache", "--retries", "0", *arguments),
        home=home,
        **env,
    )


def demand(registry: Registry, header: str) -> None:
    """Have everything the registry serves want this Authorization."""

    def guarded(good: Any) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            allowed = request.headers.get("Authorization") == header
            return good if allowed else Answer(401)

        return answer

    for path, good in list(registry.answers.items()):
        registry.answers[path] = guarded(good)


def publish(registry: Registry, name: str = "a") -> dict[str, Any]:
    return {f"node_modules/{name}": locked(integrity=sri(registry.publish(name)))}


def place(registry: Registry) -> str:
    return registry.base.partition(":")[2]


def assert_nowhere(secret: str, home: Path, *runs: Run) -> None:
    """A secret is in no output, no generated file and nothing of the cache."""
    for run in runs:
        assert secret not in run.stdout + run.stderr
    for file in home.rglob("*"):
        if file.is_file() and file.name != ".npmrc":
            assert secret.encode() not in file.read_bytes(), file
        assert secret not in str(file)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def basic(text: str) -> str:
    return f"Basic {base64_of(text)}"


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


@pytest.mark.parametrize("setting", ["ca", "cafile", "ca[]", "strict-ssl"])
def test_authorities_are_those_that_npm_is_configured_to_trust(
    home: Path, project: Path, authority: Authority, setting: str
) -> None:
    with serve_registry(tls=authority.server_context()) as secure:
        write_lock(project, publish(secure))
        npmrc = project / ".npmrc"
        npmrc.write_text(f"registry={secure.base}\n")
        refused = generate(home, project)
        assert refused.status == 3
        assert "TLS failed" in refused.stderr
        pem = authority.ca.read_text().strip().replace("\n", "\\n")
        value = {"cafile": str(authority.ca), "strict-ssl": "false"}.get(setting, f'"{pem}"')
        npmrc.write_text(f"registry={secure.base}\n{setting}={value}\n")
        run = generate(home, project)
        assert run.status == 0, run.stderr


def test_node_extra_ca_certs_counts_too(home: Path, project: Path, authority: Authority) -> None:
    with serve_registry(tls=authority.server_context()) as secure:
        write_lock(project, publish(secure))
        (project / ".npmrc").write_text(f"registry={secure.base}\n")
        env = {"NODE_EXTRA_CA_CERTS": str(authority.ca), "npm_config_globalconfig": os.devnull}
        run = generate(home, project, **env)
        assert run.status == 0, run.stderr


@pytest.mark.parametrize("inline", [False, True])
def test_a_client_certificate_is_shown_to_its_registry(
    home: Path, project: Path, authority: Authority, inline: bool
) -> None:
    context = authority.server_context(client_needed=True)
    with serve_registry(tls=context) as secure:
        write_lock(project, publish(secure))
        npmrc = project / ".npmrc"
        npmrc.write_text(f"registry={secure.base}\ncafile={authority.ca}\n")
        assert generate(home, project).status == 3
        if inline:
            certificate, key = (
                path.read_text().strip().replace("\n", "\\n")
                for path in (authority.client_certificate, authority.client_key)
            )
            given = f'cert="{certificate}"\nkey="{key}"\n'
        else:
            given = (
                f"{place(secure)}:certfile={authority.client_certificate}\n"
                f"{place(secure)}:keyfile={authority.client_key}\n"
            )
        with npmrc.open("a") as file:
            file.write(given)
        run = generate(home, project)
        assert run.status == 0, run.stderr
        assert_nowhere(authority.client_key.read_text().splitlines()[1], home, run)


def test_a_client_certificate_is_shown_to_no_other_host(
    home: Path, project: Path, registry: Registry, authority: Authority
) -> None:
    with serve_registry(tls=authority.server_context(client_needed=True)) as other:
        write_lock(
            project,
            {"node_modules/a": locked(resolved=f"{other.base}a.tgz", integrity=sri(b"x"))},
        )
        (project / ".npmrc").write_text(
            f"registry={registry.base}\ncafile={authority.ca}\n"
            f"{place(registry)}:certfile={authority.client_certificate}\n"
            f"{place(registry)}:keyfile={authority.client_key}\n"
        )
        assert generate(home, project).status == 3
        assert other.requests == []


def test_a_certificate_that_cannot_be_used_is_a_clear_error(
    home: Path, project: Path, authority: Authority
) -> None:
    with serve_registry(tls=authority.server_context()) as secure:
        write_lock(project, publish(secure))
        (project / ".npmrc").write_text(
            f"registry={secure.base}\n{place(secure)}:certfile=missing.pem\n"
            f"{place(secure)}:keyfile=missing.pem\n"
        )
        run = generate(home, project)
        assert run.status == 2
        assert f"{project}/missing.pem: this client certificate cannot be used" in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ("https-proxy=http://{proxy}", {}),
        ("proxy=http://{proxy}/", {}),
        ("", {"HTTPS_PROXY": "http://{proxy}"}),
        ("", {"https_proxy": "http://{proxy}"}),
        ("https-proxy=null\nproxy=http://{proxy}", {"HTTPS_PROXY": "http://127.0.0.1:1"}),
    ],
)
def test_https_goes_through_the_proxy_and_it_sees_no_credentials(
    home: Path, project: Path, authority: Authority, settings: str, variables: dict[str, str]
) -> None:
    with serve_registry(tls=authority.server_context()) as secure, serve_proxy() as proxy:
        write_lock(project, publish(secure))
        (project / ".npmrc").write_text(
            f"registry={secure.base}\ncafile={authority.ca}\n{place(secure)}:_authToken={SECRET}\n"
            + settings.format(proxy=proxy.address)
        )
        env = {name: value.format(proxy=proxy.address) for name, value in variables.items()}
        run = generate(home, project, **env)
        assert run.status == 0, run.stderr
        ((asked, headers),) = proxy.requests
        assert asked == f"CONNECT {place(secure).strip('/')}"
        assert SECRET not in str(headers)
        assert secure.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
        assert generate(home, project, "--check", **env).status == 0
        assert len(proxy.requests) == 1


def test_http_goes_through_the_proxy_unless_noproxy_names_the_host(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, publish(registry))
    npmrc = project / ".npmrc"
    with serve_proxy() as proxy:
        npmrc.write_text(f"registry={registry.base}\n")
        for number, env in enumerate(({"http_proxy": f"http://{proxy.address}"}, {})):
            if not env:
                npmrc.write_text(f"registry={registry.base}\nproxy=http://{proxy.address}\n")
            run = generate(home, project, "--cache-dir", home / f"c{number}", **env)
            assert run.status == 0, run.stderr
        assert [asked for asked, _ in proxy.requests] == [f"GET {registry.base}a/-/a-1.0.0.tgz"] * 2
        npmrc.write_text(f"registry={registry.base}\nproxy=http://{proxy.address}\n")
        for number, (setting, env) in enumerate(
            (
                ("noproxy=h.example,127.0.0.1\n", {}),
                ("noproxy[]=h.example\nnoproxy[]=127.0.0.1\n", {}),
                ("", {"NO_PROXY": "127.0.0.1"}),
            )
        ):
            npmrc.write_text(f"registry={registry.base}\nproxy=http://{proxy.address}\n{setting}")
            run = generate(home, project, "--cache-dir", home / f"n{number}", **env)
            assert run.status == 0, run.stderr
        assert len(proxy.requests) == 2


def test_a_proxys_own_password_goes_to_the_proxy_only_and_is_not_shown(
    home: Path, project: Path, authority: Authority
) -> None:
    with (
        serve_registry(tls=authority.server_context()) as secure,
        serve_proxy(demanded=basic("me:proxypass")) as proxy,
    ):
        write_lock(project, publish(secure))
        npmrc = project / ".npmrc"
        base = f"registry={secure.base}\ncafile={authority.ca}\n"
        npmrc.write_text(f"{base}https-proxy=http://me:wrongpass@{proxy.address}\n")
        refused = generate(home, project, "--debug")
        assert refused.status == 3
        assert "the proxy answered HTTP 407" in refused.stderr
        npmrc.write_text(f"{base}https-proxy=http://me:proxypass@{proxy.address}\n")
        run = generate(home, project)
        assert run.status == 0, run.stderr
        assert "Proxy-Authorization" not in secure.requests[0].headers
        for word in ("proxypass", "wrongpass"):
            assert_nowhere(word, home, run, refused)


@pytest.mark.parametrize(
    ("proxy", "status", "message"),
    [
        ("socks5://me:proxypass@127.0.0.1:1", 2, "no support for SOCKS"),
        ("http://me:proxypass@127.0.0.1:1", 3, "no connection to the proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_clear_error(
    home: Path, project: Path, registry: Registry, proxy: str, status: int, message: str
) -> None:
    write_lock(project, publish(registry))
    (project / ".npmrc").write_text(f"registry={registry.base}\nproxy={proxy}\n")
    run = generate(home, project)
    assert run.status == status
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert_nowhere("proxypass", home, run)


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
