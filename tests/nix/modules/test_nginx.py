"""nginx with the rules that the pure function gives, asked over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.logic import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

SCRIPT = "main.0123456789abcdef.js"


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, and keeps count."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        text = f"{self.path} upgrade={self.headers.get('Upgrade')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: Any) -> None:
        pass


@dataclass(frozen=True)
class Answer:
    status: int
    cache_control: str
    text: str
    headers: Message


class Site:
    """nginx, what is behind it, and the symlink to its pages."""

    def __init__(self, port: int, asked: dict[str, list[str]], current: Path) -> None:
        self.port = port
        self.asked = asked
        self.current = current

    def get(self, path: str, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request("GET", path, headers=names)
            response = connection.getresponse()
            kept = ", ".join(response.headers.get_all("Cache-Control", []))
            return Answer(response.status, kept, response.read().decode(), response.headers)

    def text(self, path: str, **headers: str) -> str:
        return self.get(path, **headers).text


@pytest.fixture
def site(nix: Nix, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site with three servers behind it; a parameter has further arguments of the function."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("there is no nginx")

    pages = tmp_path / "pages"
    for language in ("en-US", "de", "pt"):
        (pages / language).mkdir(parents=True)
        (pages / language / "index.html").write_text(f"page in {language}")
        (pages / language / SCRIPT).write_text(f"script in {language}")
        # As in a Nix store, where pages of two languages may have the same size besides.
        os.utime(pages / language / "index.html", (1, 1))
    (pages / "resources").mkdir()
    (pages / "resources" / "config.js").write_text("the package's own")
    (pages / "resources" / "logo.svg").write_text("<svg/>")
    (tmp_path / "promo/subtitles").mkdir(parents=True)
    (tmp_path / "promo/promo.mp4").write_text("a video")
    (tmp_path / "promo/subtitles/de.vtt").write_text("WEBVTT")
    current = tmp_path / "current"
    current.symlink_to(pages)
    for name in ("config.js", "customize.js"):
        (tmp_path / name).write_text(f"outside: {name}")

    servers = []
    asked: dict[str, list[str]] = {}
    for network in ("mainnet", "signet", "esplora"):
        asked[network] = []
        handler = type("Handler", (Backend,), {"asked": asked[network]})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)

    rules = nix.eval(
        call(
            "nginx",
            {
                "root": str(current),
                "languages": ["de", "pt"],
                "config": str(tmp_path / "config.js"),
                "customize": str(tmp_path / "customize.js"),
                "promoVideo": str(tmp_path / "promo"),
                "backends": {
                    network: f"127.0.0.1:{server.server_port}"
                    for network, server in zip(asked, servers, strict=True)
                    if network != "esplora"
                },
                "esplora": {"signet": f"127.0.0.1:{servers[-1].server_port}"},
                **getattr(request, "param", {}),
            },
        )
    )
    # In the order that nixpkgs writes them.
    locations = "\n".join(
        f"location {name} {{\n{text}}}" for name, text in sorted(rules["locations"].items())
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    owner = "user root;" if os.getuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(
        f"""{owner} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{ }}
        http {{
          access_log off; default_type text/html;
          client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
          fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
          {rules["httpConfig"].replace("/var/cache/nginx/mempool", f"{tmp_path}/cache")}
          server {{ listen 127.0.0.1:{port};
          {rules["serverConfig"]}
          {locations}
          }}
        }}"""
    )
    process = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "early.log"])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (tmp_path / "early.log").read_text()
            time.sleep(0.05)
        yield Site(port, asked, current)
    finally:
        process.terminate()
        process.wait()
        for server in servers:
            server.shutdown()
            server.server_close()


class TestLanguage:
    @pytest.mark.parametrize(
        ("accepted", "cookie", "language"),
        [
            (None, None, "en-US"),
            ("de-AT,de;q=0.9", None, "de"),
            ("xx", None, "en-US"),
            ("en-GB,de", None, "en-US"),
            ("de", "lang=pt", "pt"),
            ("de", "lang=en-US", "en-US"),
        ],
    )
    def test_is_the_visitors(
        self, site: Site, accepted: str | None, cookie: str | None, language: str
    ) -> None:
        headers = {"Accept-Language": accepted, "Cookie": cookie}
        given = {name.replace("-", "_"): text for name, text in headers.items() if text}
        for path in ("/", "/tx/abc", "/signet", "/signet/block/1", "/api"):
            assert site.text(path, **given) == f"page in {language}", path

    def test_is_the_addresss_where_it_names_one(self, site: Site) -> None:
        assert site.text("/de/tx/abc", Accept_Language="pt") == "page in de"
        assert site.text(f"/pt/{SCRIPT}") == "script in pt"
        assert site.text(f"/{SCRIPT}") == "script in en-US"

    @pytest.mark.parametrize("path", ["/", "/tx/abc", "/signet", "/api", "/resources/config.js"])
    def test_can_be_switched_by_a_browser_that_has_the_page_already(
        self, site: Site, path: str
    ) -> None:
        first = site.get(path, Accept_Language="de", Cookie="lang=de")
        had = {"If_Modified_Since": first.headers.get("Last-Modified", "")}
        if tag := first.headers.get("ETag"):
            had["If_None_Match"] = tag
        again = site.get(path, Accept_Language="de", Cookie="lang=pt", **had)
        assert again.status == 200
        if path != "/resources/config.js":
            assert (first.text, again.text) == ("page in de", "page in pt")

    def test_can_be_switched_whatever_etag_the_server_makes_of_the_store(self, site: Site) -> None:
        # On NixOS, the ETag of all pages of a package is the same.
        for path in ("/", "/tx/abc", "/de/tx/abc"):
            assert "ETag" not in site.get(path, Cookie="lang=de").headers


class TestCaching:
    def test_scripts_named_by_content_are_kept_for_a_year(self, site: Site) -> None:
        for path in (f"/{SCRIPT}", f"/de/{SCRIPT}"):
            assert "max-age=31536000" in site.get(path).cache_control

    def test_settings_are_kept_for_five_minutes(self, site: Site) -> None:
        for path in ("/resources/config.js", "/resources/customize.js"):
            assert "max-age=300" in site.get(path).cache_control

    @pytest.mark.parametrize("path", ["/", "/tx/abc", "/signet/block/1", "/de/", "/api"])
    def test_pages_are_kept_for_ten_minutes(self, site: Site, path: str) -> None:
        assert "max-age=600" in site.get(path).cache_control

    def test_a_block_is_asked_for_once(self, site: Site) -> None:
        first = site.text("/signet/api/v1/block/00ab")
        assert site.text("/signet/api/v1/block/00ab") == first
        assert site.asked["signet"] == ["/api/v1/block/00ab"]


class TestSettings:
    def test_come_from_outside_the_package(self, site: Site) -> None:
        assert site.text("/resources/config.js") == "outside: config.js"
        assert site.text("/resources/customize.js") == "outside: customize.js"
        assert site.text("/resources/logo.svg") == "<svg/>"
        assert site.get("/resources/absent.svg").status == 404


class TestPromoVideo:
    def test_is_found_under_the_names_that_the_pages_have(self, site: Site) -> None:
        assert site.text("/resources/promo-video/mempool-promo.mp4") == "a video"
        subtitles = site.get("/resources/promo-video/de.vtt")
        assert (subtitles.text, subtitles.headers["Content-Type"]) == ("WEBVTT", "text/vtt")
        assert site.get("/resources/promo-video/xx.vtt").status == 404


class TestPublicHosting:
    def test_browsers_are_told_to_take_care_wherever_they_ask(self, site: Site) -> None:
        for path in ("/", "/resources/logo.svg", "/api/v1/blocks", "/resources/config.js"):
            headers = site.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"], path

    @pytest.mark.parametrize("site", [{"headers": False}], indirect=True)
    def test_without_that_they_are_not(self, site: Site) -> None:
        assert "X-Content-Type-Options" not in site.get("/").headers

    @pytest.mark.parametrize(
        "site", [{"limits": {"requests": 1, "burst": 3, "connections": 2}}], indirect=True
    )
    def test_who_asks_for_too_much_is_told_to_wait(self, site: Site) -> None:
        answers = [site.get(f"/api/v1/blocks/{number}").status for number in range(10)]
        assert answers[:4] == [200] * 4
        assert 429 in answers[4:]
        # Pages are no burden.
        assert {site.get("/").status for _ in range(10)} == {200}


class TestBackends:
    def test_each_network_has_its_own(self, site: Site) -> None:
        assert site.text("/api/v1/blocks").startswith("/api/v1/blocks ")
        assert site.text("/signet/api/v1/blocks?a=b").startswith("/api/v1/blocks?a=b ")
        assert site.asked["mainnet"] == ["/api/v1/blocks"]
        assert site.asked["signet"] == ["/api/v1/blocks?a=b"]

    def test_the_short_api_is_the_same(self, site: Site) -> None:
        assert site.text("/api/tx/abc").startswith("/api/v1/tx/abc ")

    def test_the_short_api_is_esploras_where_the_network_has_one(self, site: Site) -> None:
        assert site.text("/signet/api/tx/abc").startswith("/tx/abc ")
        assert site.text("/signet/api/v1/fees/recommended").startswith("/api/v1/fees/")
        assert site.asked["esplora"] == ["/tx/abc"]
        assert site.asked["signet"] == ["/api/v1/fees/recommended"]
        assert site.get("/signet/api/internal/txs").status == 404

    def test_websockets_are_passed_through(self, site: Site) -> None:
        for path in ("/api/v1/ws", "/signet/api/v1/ws", "/ws"):
            answer = site.text(path, Upgrade="websocket", Connection="Upgrade")
            assert answer == "/ upgrade=websocket"

    def test_internal_api_is_not_shown(self, site: Site) -> None:
        assert site.get("/signet/api/v1/internal/x").status == 404
        assert site.asked["signet"] == []

    def test_a_network_that_is_not_enabled_has_no_api(self, site: Site) -> None:
        assert site.text("/testnet/api/v1/blocks") == "page in en-US"


def test_pages_that_a_container_built_are_served_from_the_switch_on(
    site: Site, tmp_path: Path
) -> None:
    site.current.unlink()
    assert site.get("/").status == 404  # before the first result
    for build in ("first", "second"):
        (tmp_path / build / "en-US").mkdir(parents=True)
        (tmp_path / build / "en-US/index.html").write_text(f"the {build} build")
        (tmp_path / "next").symlink_to(tmp_path / build)
        (tmp_path / "next").replace(site.current)
        assert site.text("/") == f"the {build} build"
