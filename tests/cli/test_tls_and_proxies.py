"""Registries behind certificates and proxies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.private import SECRET, assert_nowhere, basic, generate, place, publish
from tests.support.certificates import Authority, make_authority
from tests.support.projects import locked, write_lock
from tests.support.proxy import serve_proxy
from tests.support.registry import Registry, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(home: Path) -> Path:
    (home / "project").mkdir()
    return home / "project"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


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
