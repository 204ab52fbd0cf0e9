import shutil
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.link import missing, open_link
from benchmarks.nginx import start

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it can be tested")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_bytes_arrive_whole_and_never_sooner_than_the_link_lets_them(tmp_path: Path) -> None:
    content = bytes(range(256)) * 2000
    (tmp_path / "-").mkdir()
    (tmp_path / "-/file").write_bytes(content)
    with (
        open_link(60, 20) as link,
        start(tmp_path, tmp_path, tmp_path, host=link.host, within=link.server) as server,
    ):
        begin = time.monotonic()
        command = [*link.client, "curl", "-sS", "--fail", f"{server.base}-/file"]
        got = subprocess.run(command, check=True, capture_output=True).stdout
        took = time.monotonic() - begin
    assert got == content
    # Two round trips, and the bytes at 20 Mbit/s less what may burst: no machine is too slow.
    assert took > 0.12 + (len(content) - 10_000) * 8 / 20e6


def test_nothing_is_left_of_a_link() -> None:
    with open_link(0, None):
        pass
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    assert f"-{__import__('os').getpid()}" not in listed.stdout
