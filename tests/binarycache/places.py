"""Real places for binary caches: directories, nginx with WebDAV, an S3 server."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.integrity import Integrity
from npm2nixlite.store.fixed_file import FixedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL, LARGE = 12_345, (3 << 20) + 1  # bytes; below and above what is held in memory


def fixed_file(directory: Path, name: str, content: bytes) -> FixedFile:
    """A file under its content hash, as a download cache has it."""
    integrity = Integrity.of("sha512", hashlib.sha512(content).digest())
    path = directory / integrity.hex
    path.write_bytes(content)
    return FixedFile(name, path, integrity)


@dataclass(frozen=True)
class Place:
    """Where a cache is, for us and for Nix."""

    address: str
    for_nix: str
    environment: dict[str, str] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@contextmanager
def nginx(
    directory: Path,
    *,
    location: str = "dav_methods PUT; create_full_put_path on;",
    body: str = "client_max_body_size 0;",
    users: dict[str, str] | None = None,
    http: str = "",
    port: int | None = None,
) -> Iterator[Place]:
    """nginx, serving and taking files below a directory of its own."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    root, own = directory / "www", directory / "nginx"
    for made in (root, own):
        made.mkdir(parents=True, exist_ok=True)
    for made in (directory, root, own):
        made.chmod(0o755)
    port = port or free_port()
    guard = ""
    if users:
        (own / "users").write_text(
            "".join(f"{name}:{{PLAIN}}{password}\n" for name, password in users.items())
        )
        guard = f"auth_basic cache; auth_basic_user_file {own}/users;"
    temporary = "".join(
        f"{kind}_temp_path {own}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (own / "conf").write_text(
        f"""
        daemon off; master_process off; pid {own}/pid; error_log {own}/errors;
        events {{}}
        http {{
          log_format short "$request_method $uri $status";
          access_log {own}/accesses short; {temporary}
          {http}
          server {{
            listen 127.0.0.1:{port}; root {root}; {body}
            location / {{ {guard} {location} }}
          }}
        }}
        """
    )
    server = subprocess.Popen([program, "-c", own / "conf", "-e", own / "errors"])
    try:
        _wait_for(port, server)
        yield Place(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("the server does not start")


@contextmanager
def s3() -> Iterator[Place]:
    """A real S3 API, with one bucket.

    Nix reads it over HTTP, as a public bucket is read: not every Nix is built with S3.
    """
    import boto3
    from moto.server import ThreadedMotoServer

    bucket = f"cache-{secrets.token_hex(8)}"  # all servers of a process share their buckets
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=bucket)
        everybody_reads = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:HeadObject"],  # the latter is moto's own
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [everybody_reads]}
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        client.close()
        address = f"s3://{bucket}?endpoint={host}:{port}&scheme=http&region=us-east-1"
        yield Place(address, f"{endpoint}/{bucket}", environment)
    finally:
        server.stop()


@pytest.fixture(params=["file", "nginx", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Each kind of place in turn, empty."""
    match request.param:
        case "file":
            yield Place(f"file://{tmp_path}/cache", f"file://{tmp_path}/cache")
        case "nginx":
            with nginx(tmp_path / "server") as served:
                yield served
        case "s3":
            with s3() as served:
                for name, value in served.environment.items():
                    monkeypatch.setenv(name, value)
                yield served
