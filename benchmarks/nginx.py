"""A throw-away nginx on loopback that serves a directory, and takes uploads where wished."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["serve"]

_CONFIG = """\
{user}
worker_processes 1;
daemon off;
pid {state}/pid;
error_log {state}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  default_type application/octet-stream;
  client_body_temp_path {state}/body;
  proxy_temp_path {state}/proxy;
  fastcgi_temp_path {state}/fastcgi;
  uwsgi_temp_path {state}/uwsgi;
  scgi_temp_path {state}/scgi;
  client_max_body_size 0;
  server {{ listen 127.0.0.1:{port}; root {root}; {uploads} }}
}}
"""


_UPLOADS = "dav_methods PUT; create_full_put_path on;"


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
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        raise RuntimeError("there is no nginx: apt-get install nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = state / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    taken = _UPLOADS if uploads else ""
    config.write_text(_CONFIG.format(state=state, root=root, port=port, user=user, uploads=taken))
    process = subprocess.Popen([nginx, "-c", config], stderr=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nginx did not start")
