from __future__ import annotations

from pathlib import Path

import pytest

from npm2nixlite.config.network import proxy_for, tls_settings
from npm2nixlite.config.registry import RegistryConfig
from npm2nixlite.errors import InputError

HTTPS, HTTP = "https://h.example/a.tgz", "http://h.example/a.tgz"


@pytest.mark.parametrize(
    ("settings", "environment", "https", "http"),
    [
        ({}, {}, None, None),
        ({"https-proxy": "http://s:1"}, {}, "http://s:1", "http://s:1"),
        ({"proxy": "http://p:1"}, {}, "http://p:1", "http://p:1"),
        ({"https-proxy": "http://s:1", "proxy": "http://p:1"}, {}, "http://s:1", "http://s:1"),
        ({"proxy": "http://p:1"}, {"https_proxy": "http://e:1"}, "http://p:1", "http://p:1"),
        ({"proxy": "false"}, {"https_proxy": "http://e:1"}, "http://e:1", "http://e:1"),
        ({}, {"http_proxy": "http://e:1"}, None, "http://e:1"),
        ({}, {"proxy": "http://e:1"}, None, "http://e:1"),
    ],
)
def test_the_proxy_is_the_one_npm_takes(
    settings: dict[str, str], environment: dict[str, str], https: str | None, http: str | None
) -> None:
    assert proxy_for(HTTPS, settings, environment) == https
    assert proxy_for(HTTP, settings, environment) == http


@pytest.mark.parametrize(
    ("exceptions", "direct"),
    [
        ("h.example", True),
        ("example", True),
        (".example", True),
        ("other.example, h.example", True),
        ("a.h.example", False),
        ("ample", False),
        ("h.example.org", False),
        (",", False),
        ("", False),
    ],
)
def test_noproxy_names_a_host_with_everything_below_it(exceptions: str, direct: bool) -> None:
    proxy = {"proxy": "http://p:1"}
    assert (proxy_for(HTTPS, {**proxy, "noproxy": exceptions}, {}) is None) == direct
    assert (proxy_for(HTTPS, proxy, {"no_proxy": exceptions}) is None) == direct


@pytest.mark.parametrize("proxy", ["socks5://p:1", "p:1", "http://", "http://p:port", "ftp://p"])
def test_a_proxy_of_another_kind_is_refused_without_showing_it(proxy: str) -> None:
    with pytest.raises(InputError, match="not one that can be used") as caught:
        proxy_for(HTTPS, {"proxy": proxy.replace("//", "//me:secret@")}, {})
    assert "secret" not in str(caught.value)


def test_authorities_are_read_as_npm_writes_them() -> None:
    settings = {"ca": "BEGIN\\nx\\nEND", "cafile": "certs/ca.pem", "strict-ssl": "false"}
    found = tls_settings(settings, Path("/p"), None)
    assert (found.ca, found.strict) == ("BEGIN\nx\nEND", False)
    assert found.cafile == Path("/p/certs/ca.pem")
    nothing = tls_settings({"ca": "null", "cafile": "null"}, Path("/p"), None)
    assert (nothing.ca, nothing.cafile, nothing.strict) == ("", None, True)


def test_a_client_certificate_holds_for_its_place_and_over_https_only() -> None:
    config = RegistryConfig(
        {"//h.example/npm/:certfile": "c.pem", "//h.example/npm/:keyfile": "/k.pem"}, Path("/p")
    )
    client = config.tls("https://h.example/npm/a/-/a.tgz").client
    assert client is not None
    assert (client.certificate, client.key) == ("/p/c.pem", "/k.pem")
    for other in ("https://h.example/a.tgz", "https://o.example/npm/a", "http://h.example/npm/a"):
        assert config.tls(other).client is None


def test_the_old_settings_cert_and_key_hold_for_configured_registries_only() -> None:
    pem = {"cert": "-----BEGIN C-----\\nx", "key": "-----BEGIN K-----\\ny"}
    config = RegistryConfig({**pem, "@s:registry": "https://h.example/"}, Path("/p"))
    client = config.tls("https://h.example/@s/a").client
    assert client is not None
    assert client.inline
    assert "\n" in client.key
    assert config.tls("https://o.example/@s/a").client is None
