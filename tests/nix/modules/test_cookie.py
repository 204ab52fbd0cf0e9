"""A backend whose bitcoind restarts with another cookie, under a real systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.container_host import wait_until
from tests.support.logic import call
from tests.support.machine import booted_machine
from tests.support.projects import ROOT
from tests.support.units import render, visible_checkout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.machine import Machine
    from tests.support.nix import Nix

pytestmark = [pytest.mark.container, pytest.mark.nix, pytest.mark.npm]

COOKIE = "/var/lib/bitcoind/.cookie"

# Stands for bitcoind: another cookie at each start, removed at a clean stop, 401 to all others.
BITCOIND = """\
const { randomBytes } = require('crypto');
const { renameSync, rmSync, writeFileSync } = require('fs');
const cookie = `__cookie__:${randomBytes(16).toString('hex')}`;
writeFileSync('.cookie.tmp', cookie, { mode: 0o600 });
renameSync('.cookie.tmp', '.cookie');
process.on('SIGTERM', () => { rmSync('.cookie'); process.exit(0); });
require('http').createServer((request, response) => {
  const given = Buffer.from((request.headers.authorization || ' ').split(' ')[1], 'base64');
  response.writeHead(given.toString() === cookie ? 200 : 401).end();
}).listen(18443, '127.0.0.1');
"""

# Asks as mempool does: since 3.0.0 the cookie is read again after a 401, before it is read once.
BACKEND = """\
const { readFileSync } = require('fs');
const { request } = require('http');
const { CORE_RPC } = JSON.parse(readFileSync(process.env.MEMPOOL_CONFIG_FILE, 'utf8'));
let kept;
const auth = () => {
  if (!CORE_RPC.COOKIE) return `${CORE_RPC.USERNAME}:${CORE_RPC.PASSWORD}`;
  kept = kept || readFileSync(CORE_RPC.COOKIE_PATH).toString();
  return kept;
};
setInterval(() => {
  try {
    const asked = request({ port: 18443, host: '127.0.0.1', auth: auth() }, (response) => {
      console.log(`answer ${response.statusCode}`);
      if (response.statusCode === 401) kept = undefined;
    });
    asked.on('error', () => console.log('no answer')).end();
  } catch (error) { console.log(error.code); }
}, 200);
"""


def units(nix: Nix, version: str, *, bound: bool) -> dict[str, str]:
    options = {
        "package": {"version": version},
        "pools": None,
        "beneath": {},
        "config": None,
        "settings": {},
        "network": "regtest",
        "port": None,
        "db_name": None,
        "db_user": None,
        "db_psk": None,
        "db_psk_file": None,
        "db_host": None,
        "db_port": None,
        "db_socket": "/run/mysqld/mysqld.sock",
        "cookie_file": COOKIE,
        "rpc_user": None,
        "rpc_password_file": None,
    }
    chosen = nix.eval(call("backendSettings", "one", options))
    secrets = nix.eval(call("secretsOf", chosen["settings"]))
    cookie = {
        "name": "one",
        "user": "mempool-one",
        "cookie_file": COOKIE,
        "shell": "/bin/bash",
        "script": str(ROOT / "nix/modules/runtime/cookie.sh"),
        "path": ["/usr"],
        "rereads": chosen["rereads"],
    }
    backend = {
        "name": "one",
        "package": {"version": version},
        "nodejs": "/usr",
        "address": "127.0.0.1",
        "preload": str(ROOT / "nix/modules/runtime/preload.js"),
        "writeConfig": str(ROOT / "nix/modules/runtime/write-config.js"),
        "template": "/etc/settings.json",
        "credentials": secrets["credentials"],
        "memory_limit": 512,
        "result": "/backend",
        "boundTo": [
            *(["bitcoind-one.service"] if bound else []),
            *([] if chosen["rereads"] else ["mempool-one-cookie.service"]),
        ],
    }
    return {
        "settings": nix.eval(f"builtins.toJSON ({call('secretsOf', chosen['settings'])}).template"),
        "bitcoind-one.service": (
            "[Service]\nUser=bitcoind\nStateDirectory=bitcoind\nWorkingDirectory=/var/lib/bitcoind\n"
            "ExecStart=/usr/bin/node /bitcoind.js\nRestart=always\nRestartSec=1\n"
        ),
        "mempool-one.service": render(nix.eval(call("backendUnit", backend))),
        "mempool-one.service.d/quick.conf": "[Service]\nRestartSec=1\n",
        "mempool-one-cookie.service": render(nix.eval(call("cookieUnit", cookie))),
        **{
            f"{name}.service.d/checkout.conf": visible_checkout()
            for name in ("mempool-one", "mempool-one-cookie")
        },
    }


def answers(machine: Machine) -> list[str]:
    said = machine.journal("--unit=mempool-one", "--output=cat").splitlines()
    return [line for line in said if line.startswith("answer ")]


def recovers(machine: Machine) -> bool:
    """Whether the last three answers are good ones, and none of them from before."""
    seen = len(answers(machine))
    try:
        wait_until(lambda: answers(machine)[seen:][-3:] == ["answer 200"] * 3, 90)
    except AssertionError:
        return False
    return True


def write(root: Path) -> None:
    (root / "bitcoind.js").write_text(BITCOIND)
    (root / "backend/dist").mkdir(parents=True)
    (root / "backend/dist/index.js").write_text(BACKEND)
    for user, number in {"bitcoind": 980, "mempool-one": 981}.items():
        for file, line in {
            "passwd": f"{user}:x:{number}:{number}::/:/usr/sbin/nologin\n",
            "group": f"{user}:x:{number}:\n",
        }.items():
            path = root / "etc" / file
            path.write_text(path.read_text() + line)


@pytest.mark.parametrize(
    ("version", "bound"),
    [("3.3.1", False), ("2.5.1", True)],
    ids=["reads the cookie again", "is restarted with bitcoind"],
)
def test_a_backend_recovers_by_itself_when_bitcoind_is_killed(
    nix: Nix, version: str, bound: bool
) -> None:
    described = units(nix, version, bound=bound)
    settings = described.pop("settings")
    with booted_machine(described) as machine:
        write(machine.root)
        (machine.root / "etc/settings.json").write_text(settings)
        machine.run("systemctl", "enable", "mempool-one-cookie")
        # The backend is there before bitcoind is, as at the first boot.
        machine.run("systemctl", "start", "--no-block", "mempool-one", "bitcoind-one")
        wait_until(lambda: "answer 200" in answers(machine), 60)

        for _ in range(2):
            before = (machine.root / COOKIE.lstrip("/")).read_text()
            machine.run("systemctl", "kill", "--signal=KILL", "bitcoind-one")
            wait_until(lambda cookie=before: _cookie(machine) not in ("", cookie), 60)
            assert recovers(machine), machine.journal("--lines=100")

        # A clean stop removes the cookie, which is no failure.
        machine.run("systemctl", "restart", "bitcoind-one")
        assert recovers(machine), machine.journal("--lines=100")
        assert machine.state("mempool-one-cookie.service") != "failed"
        if not bound:
            # It read the new cookie; nobody restarted it.
            assert machine.shows("mempool-one", "NRestarts") == "0"
            started = machine.journal("--unit=mempool-one", "--output=cat").count("Started ")
            assert started == 1


def _cookie(machine: Machine) -> str:
    path = machine.root / COOKIE.lstrip("/")
    return path.read_text() if path.exists() else ""
