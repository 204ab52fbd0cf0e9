"""Real git repositories, and a real HTTP server on loopback that serves them."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Forge", "git", "serve_git"]


def git(directory: Path, *arguments: str) -> str:
    """What a git command prints, run as nobody in particular, without anybody's configuration."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@h.example",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@h.example",
    }
    settings = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=directory, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Forge:
    """Repositories below a directory, and what was asked of the server.

    Attributes:
        root: Their directory.
        base: The server's address, with a slash at its end.
        requests: ``METHOD PATH`` of each.
        demanded: The Authorization it wants; None for none.
        dumb: Serve files as they are, without git's own protocol.
    """

    root: Path
    base: str = ""
    requests: list[str] = field(default_factory=list)
    demanded: str | None = None
    dumb: bool = False

    def commit(self, name: str, files: Mapping[str, str], *, more: tuple[str, ...] = ()) -> str:
        """Add a commit to a repository, which is made where it is not there; returns its hash.

        Args:
            name: The repository's path below the root, without ``.git``.
            files: Path → content; a path that ends with ``*`` is executable without it.
            more: Arguments of one further git command before the commit (a submodule, say).
        """
        work = self.root / "work" / name
        if not work.is_dir():
            work.mkdir(parents=True)
            git(work, "init", "--quiet")
        for path, content in files.items():
            file = work / path.removesuffix("*")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode())
            file.chmod(0o755 if path.endswith("*") else 0o644)
        if more:
            git(work, *more)
        git(work, "add", "--all", "--force")
        git(work, "commit", "--quiet", "--message", "x")
        bare = self.root / f"{name}.git"
        if bare.is_dir():
            git(work, "push", "--quiet", str(bare), "+HEAD:refs/heads/main")
        else:
            bare.parent.mkdir(parents=True, exist_ok=True)
            git(work, "clone", "--quiet", "--bare", str(work), str(bare))
        git(bare, "update-server-info")
        return git(work, "rev-parse", "HEAD")


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            forge.requests.append(f"{self.command} {self.path}")
            if forge.demanded not in {None, self.headers.get("Authorization")}:
                self._answer(401, b"", [("WWW-Authenticate", 'Basic realm="git"')])
            elif forge.dumb:
                file = forge.root / urlsplit(self.path).path.lstrip("/")
                found = file.is_file()
                self._answer(200 if found else 404, file.read_bytes() if found else b"", [])
            else:
                self._answer(*self._backend())

        def do_POST(self) -> None:
            self.do_GET()

        def _backend(self) -> tuple[int, bytes, list[tuple[str, str]]]:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            env = {
                **os.environ,
                "GIT_PROJECT_ROOT": str(forge.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "CONTENT_TYPE": self.headers.get("Content-Type") or "",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
                "REMOTE_ADDR": "127.0.0.1",
            }
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=env, capture_output=True, check=True
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = [
                (name, value.strip())
                for name, _, value in (line.partition(":") for line in head.decode().split("\r\n"))
            ]
            status = next((value for name, value in headers if name == "Status"), "200")
            return int(status.split()[0]), content, [h for h in headers if h[0] != "Status"]

        def _answer(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serve_git(root: Path) -> Iterator[Forge]:
    """Serve on a free port of the loopback interface."""
    forge = Forge(root)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge)) as server:
        server.daemon_threads = True
        forge.base = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
