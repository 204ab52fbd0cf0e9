"""A throw-away nginx that serves a directory, and takes uploads where wished."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.measure import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Certificate", "Server", "make_certificate", "read_traffic", "serve", "start"]

_CONFIG = """\
{user}
worker_processes 1;
daemon off;
pid {state}/pid;
error_log {state}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format run '$connection $status $bytes_sent $uri';
  access_log {log};
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  client_body_temp_path {state}/body;
  proxy_temp_path {state}/proxy;
  fastcgi_temp_path {state}/fastcgi;
  uwsgi_temp_path {state}/uwsgi;
  scgi_temp_path {state}/scgi;
  client_max_body_size 0;
  server {{
    listen {host}:{port}{ssl};
    {certificate}
    {content}
  }}
}}
"""

_FILES = "root {root}; {uploads}"
_REGISTRY = """
    location ~ /-/ {{ root {root}; }}
    location / {{ root {metadata}; default_type application/json; try_files $uri/metadata =404; }}
"""
_UPLOADS = "dav_methods PUT; create_full_put_path on;"
_LOG = "{state}/access.log run buffer=256k flush=100ms"
_FLUSHED = 0.25  # seconds after which all that was asked stands in the log


@dataclass(frozen=True)
class Certificate:
    """A throw-away certificate, its own authority.

    Attributes:
        file: PEM.
        key: PEM.
    """

    file: Path
    key: Path


@dataclass
class Server:
    """A running nginx.

    Attributes:
        base: Its address, with a slash at its end.
        log: Where it notes what it is asked.
    """

    base: str
    log: Path
    _read: int = field(default=0, repr=False)

    def traffic(self) -> Traffic:
        """What it was asked since this was last called; takes a moment."""
        time.sleep(_FLUSHED)
        with self.log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        return read_traffic(text.decode().splitlines())


def read_traffic(lines: Sequence[str]) -> Traffic:
    """Sum up lines of the access log: connection, status, bytes and path."""
    fields = [line.split(" ", 3) for line in lines]
    return Traffic(
        connections=len({connection for connection, *_ in fields}),
        requests=len(fields),
        sent=sum(int(sent) for _, _, sent, _ in fields),
        paths=frozenset(path for _, status, _, path in fields if status == "200"),
    )


def make_certificate(directory: Path, hosts: Sequence[str]) -> Certificate:
    """Make a certificate for some IP addresses; openssl must be there."""
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    names = ",".join(f"IP:{host}" for host in hosts)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=benchmark", "-keyout", str(made.key)]
    command += ["-out", str(made.file), "-addext", f"subjectAltName={names}"]
    subprocess.run(command, check=True, capture_output=True)
    return made


@contextmanager
def serve(root: Path, state: Path, *, uploads: bool = False) -> Iterator[str]:
    """Serve a directory; gives its address, with a slash at its end.

    Args:
        root: The directory.
        state: For its own files; on the same file system, where it takes uploads.
        uploads: Whether it takes PUT.

    Raises:
        RuntimeError: nginx is not installed, or does not start.
    """
    content = _FILES.format(root=root, uploads=_UPLOADS if uploads else "")
    with _running(content, state, log=False, certificate=None, host="127.0.0.1") as server:
        yield server.base


@contextmanager
def start(
    root: Path,
    metadata: Path,
    state: Path,
    *,
    certificate: Certificate | None = None,
    host: str = "127.0.0.1",
    within: Sequence[str] = (),
) -> Iterator[Server]:
    """Serve tarballs and metadata as a registry does.

    Args:
        root: Tarballs, by their path below the registry base, which has a ``-`` for a directory.
        metadata: ``NAME/metadata`` is the answer for the package NAME.
        state: For its own files.
        certificate: For https.
        host: The IP address to listen on.
        within: A command that runs the command behind it, in a network namespace say.

    Raises:
        RuntimeError: nginx is not installed, or does not start.
    """
    content = _REGISTRY.format(root=root, metadata=metadata)
    with _running(
        content, state, log=True, certificate=certificate, host=host, within=within
    ) as server:
        yield server


@contextmanager
def _running(
    content: str,
    state: Path,
    *,
    log: bool,
    certificate: Certificate | None,
    host: str,
    within: Sequence[str] = (),
) -> Iterator[Server]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        raise RuntimeError("there is no nginx: apt-get install nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = ""
    if certificate is not None:
        keys = f"ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key};"
    config = state / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            state=state,
            user="user root;" if os.geteuid() == 0 else "",
            log=_LOG.format(state=state) if log else "off",
            host=host,
            port=port,
            ssl=" ssl" if certificate else "",
            certificate=keys,
            content=content,
        )
    )
    process = subprocess.Popen([*within, nginx, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _await(state / "pid", host, port, process, within)
        scheme = "https" if certificate else "http"
        yield Server(f"{scheme}://{host}:{port}/", state / "access.log")
    finally:
        process.terminate()
        process.wait()


def _await(
    pid: Path, host: str, port: int, process: subprocess.Popen[bytes], within: Sequence[str]
) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        if within:  # out of reach from here; it writes this once it listens
            if pid.exists():
                return
        else:
            with socket.socket() as probe:
                if probe.connect_ex((host, port)) == 0:
                    return
        time.sleep(0.05)
    raise RuntimeError("nginx did not start")
