"""What units run at start: the config's writer with Node.js, the database's maker with MariaDB."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIME = Path(__file__).parents[3] / "nix" / "modules" / "runtime"


class Writer:
    """The config's writer, in a directory of the test's."""

    def __init__(self, directory: Path) -> None:
        self.template = directory / "template.json"
        self.output = directory / "config.json"
        self.credentials = directory / "credentials"
        self.credentials.mkdir()

    def run(self, template: object, **credentials: str) -> subprocess.CompletedProcess[str]:
        self.template.write_text(json.dumps(template))
        for name, text in credentials.items():
            (self.credentials / name).write_text(text)
        return subprocess.run(
            ["node", RUNTIME / "write-config.js", self.template, self.output],
            env={**os.environ, "CREDENTIALS_DIRECTORY": str(self.credentials)},
            capture_output=True,
            text=True,
        )

    def written(self) -> Any:
        return json.loads(self.output.read_text())


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


@pytest.mark.npm
class TestWriteConfig:
    def test_fills_in_secrets_wherever_they_stand(self, writer: Writer) -> None:
        done = writer.run(
            {"A": {"B": {"_credential": "one"}, "C": [1, {"_credential": "two"}]}, "D": None},
            one='p"ass\\\n',
            two="x\n\n",
        )
        assert done.returncode == 0, done.stderr
        assert writer.written() == {"A": {"B": 'p"ass\\', "C": [1, "x\n"]}, "D": None}

    def test_splits_a_cookie_at_its_first_colon(self, writer: Writer) -> None:
        template = {
            "USERNAME": {"_credential": "cookie", "_part": "user"},
            "PASSWORD": {"_credential": "cookie", "_part": "password"},
        }
        assert writer.run(template, cookie="__cookie__:a:b").returncode == 0
        assert writer.written() == {"USERNAME": "__cookie__", "PASSWORD": "a:b"}

    def test_nobody_else_can_read_it(self, writer: Writer) -> None:
        writer.run({})
        assert stat.S_IMODE(writer.output.stat().st_mode) == 0o600

    def test_a_missing_secret_leaves_the_config_as_it_was(self, writer: Writer) -> None:
        writer.run({"A": 1})
        assert writer.run({"A": {"_credential": "absent"}}).returncode != 0
        assert writer.written() == {"A": 1}

    def test_a_cookie_without_colon_is_refused_without_showing_it(self, writer: Writer) -> None:
        done = writer.run({"U": {"_credential": "cookie", "_part": "user"}}, cookie="SECRET")
        assert done.returncode != 0
        assert "it must hold user:password" in done.stderr
        assert "SECRET" not in done.stderr


class MariaDB:
    """A server on a socket in a directory of the test's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "sock"
        (directory / ".my.cnf").write_text(f"[client]\nsocket={self.socket}\n")

    def ask(self, statement: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["mariadb", f"--defaults-file={self.directory}/.my.cnf", *options, "-Ne", statement],
            capture_output=True,
            text=True,
        )

    def make(self, database: str, user: str, password: str | None = None) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "DATABASE_NAME": database,
            "DATABASE_USER": user,
            "DATABASE_SOCKET": str(self.socket),
        }
        (self.directory / "password").unlink(missing_ok=True)
        if password is not None:
            (self.directory / "password").write_text(password)
            environment["CREDENTIALS_DIRECTORY"] = str(self.directory)
        done = subprocess.run(
            ["bash", RUNTIME / "database.sh"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if server is None or os.getuid() != 0:
        pytest.skip("there is no mariadbd, or not root to run it as another user")
    # The path of a socket must be short, and others must be able to enter its directory.
    directory = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    shutil.chown(directory, "nobody")
    directory.chmod(0o755)
    data = directory / "data"
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--user=nobody",
            f"--datadir={data}",
            "--skip-test-db",
            "--auth-root-authentication-method=socket",
        ],
        check=True,
        capture_output=True,
    )
    with (tmp_path_factory.mktemp("mariadb") / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                server,
                "--no-defaults",
                "--user=nobody",
                f"--datadir={data}",
                f"--socket={directory}/sock",
                f"--pid-file={directory}/pid",
                "--skip-networking",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(300):
            if (directory / "sock").exists():
                break
            time.sleep(0.1)
        yield MariaDB(directory)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory)


class TestDatabase:
    def test_is_made_once_and_its_password_follows_the_file(self, mariadb: MariaDB) -> None:
        password = "it's \\ a:pass"
        mariadb.make("again", "again", "first")
        mariadb.ask("create table again.kept (a int)")
        mariadb.make("again", "again", password)
        login = ["--user=again", f"--password={password}"]
        assert mariadb.ask("show tables from again", *login).stdout == "kept\n"
        old = mariadb.ask("select 1", "--user=again", "--password=first")
        assert "Access denied" in old.stderr

    def test_a_user_sees_no_other_database(self, mariadb: MariaDB) -> None:
        mariadb.make("mempool", "mempool", "one")
        mariadb.make("mempool_testnet", "tmempool", "two")
        seen = mariadb.ask("show databases", "--user=tmempool", "--password=two").stdout.split()
        assert "mempool_testnet" in seen
        assert "mempool" not in seen

    def test_without_a_password_only_the_user_itself_gets_in(self, mariadb: MariaDB) -> None:
        mariadb.make("local", "nobody")
        refused = mariadb.ask("select 1", "--user=nobody")
        assert "Access denied" in refused.stderr
        as_nobody = subprocess.run(
            [
                *("setpriv", "--reuid=nobody", "--clear-groups", "mariadb", "--no-defaults"),
                *(f"--socket={mariadb.socket}", "--user=nobody", "-Ne", "select current_user()"),
            ],
            capture_output=True,
            text=True,
        )
        assert as_nobody.stdout == "nobody@localhost\n", as_nobody.stderr

    def test_names_with_odd_signs_are_names(self, mariadb: MariaDB) -> None:
        mariadb.make("a`b-c", "x'y", "p")
        assert "a`b-c" in mariadb.ask("show databases").stdout
        assert mariadb.ask("select 1", "--user=x'y", "--password=p").stdout == "1\n"


@pytest.mark.parametrize(
    ("version", "plugin"), [("8.0.36", "auth_socket"), ("11.4.2-MariaDB", "unix_socket")]
)
def test_a_user_without_password_logs_in_as_the_server_has_it(
    tmp_path: Path, version: str, plugin: str
) -> None:
    # Stands for the client, for there is no MySQL here; the test above asks MariaDB itself.
    (tmp_path / "mysql").write_text(
        f'#!/bin/sh\ncase "$*" in *VERSION*) echo {version} ;; *) cat > input ;; esac\n'
    )
    (tmp_path / "mysql").chmod(0o755)
    (tmp_path / "cat").symlink_to(shutil.which("cat") or "")
    bash = shutil.which("bash") or ""
    subprocess.run(
        [bash, RUNTIME / "database.sh"],
        env={
            "PATH": str(tmp_path),
            "DATABASE_NAME": "mempool",
            "DATABASE_USER": "mempool",
            "DATABASE_SOCKET": "/run/db.sock",
        },
        cwd=tmp_path,
        check=True,
    )
    assert f"IDENTIFIED WITH {plugin};" in (tmp_path / "input").read_text()


def test_the_databases_password_is_on_no_command_line(tmp_path: Path) -> None:
    # Stands for the client, to see what it is handed.
    (tmp_path / "mariadb").write_text(
        '#!/bin/sh\nprintf "%s\\n" "$0 $*" > arguments\nenv >> arguments\ncat > input\n'
    )
    (tmp_path / "mariadb").chmod(0o755)
    (tmp_path / "password").write_text("SECRET")
    subprocess.run(
        ["bash", RUNTIME / "database.sh"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CREDENTIALS_DIRECTORY": str(tmp_path),
            "DATABASE_NAME": "mempool",
            "DATABASE_USER": "mempool",
            "DATABASE_SOCKET": "/run/db.sock",
        },
        cwd=tmp_path,
        check=True,
    )
    assert "SECRET" in (tmp_path / "input").read_text()
    assert "SECRET" not in (tmp_path / "arguments").read_text()
