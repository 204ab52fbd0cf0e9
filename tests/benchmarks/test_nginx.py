import shutil
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest

from benchmarks.nginx import make_certificate, read_traffic, start

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")),
    reason="there is no nginx",
)


def registry(directory: Path) -> tuple[Path, Path, Path]:
    for path, text in (
        ("tarballs/@scope/a/-/a-1.0.0.tgz", "bytes"),
        ("metadata/@scope/a/metadata", "{}"),
    ):
        (directory / path).parent.mkdir(parents=True)
        (directory / path).write_text(text)
    (directory / "state").mkdir()
    return directory / "tarballs", directory / "metadata", directory / "state"


def test_serves_tarballs_and_metadata_and_tells_what_was_asked(tmp_path: Path) -> None:
    with start(*registry(tmp_path)) as server:
        addresses = [f"{server.base}@scope/a/-/a-1.0.0.tgz", f"{server.base}@scope%2fa"]
        answers = [urllib.request.urlopen(address).read() for address in addresses]
        curl = ["curl", "-s", *addresses, f"{server.base}missing"]
        subprocess.run(curl, check=True, capture_output=True)
        traffic = server.traffic()
        assert server.traffic().requests == 0
    assert answers == [b"bytes", b"{}"]
    assert traffic.connections == 3  # two of urllib, one of curl
    assert traffic.requests == 5
    assert traffic.paths == {"/@scope/a/-/a-1.0.0.tgz", "/@scope/a/metadata"}


def test_serves_over_tls_with_its_own_authority(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, ["127.0.0.1"])
    context = ssl.create_default_context(cafile=certificate.file)
    with start(*registry(tmp_path), certificate=certificate) as server:
        assert server.base.startswith("https:")
        answer = urllib.request.urlopen(f"{server.base}@scope%2fa", context=context)
        assert answer.read() == b"{}"


def test_log_is_summed_up() -> None:
    traffic = read_traffic(["7 200 100 /a b", "7 404 50 /c", "8 200 100 /a b"])
    assert (traffic.connections, traffic.requests, traffic.sent) == (2, 3, 250)
    assert traffic.paths == {"/a b"}
